#include "gpu/cuda_parts.h"
#include "kernels/simt/gpu.h"

namespace gabor::bench {
namespace {

using simt::throw_if;

__global__ void empty_kernel() {}

template <class Element>
__global__ void fill_kernel(Element* data, int64_t count, uint32_t seed) {
  const int64_t stride = int64_t(gridDim.x) * blockDim.x;
  for (int64_t i = blockIdx.x * int64_t(blockDim.x) + threadIdx.x; i < count; i += stride) {
    uint32_t h = uint32_t(i) * 0x9e3779b9u + seed;  // the finalizer of MurmurHash3 over a Weyl sequence
    h = (h ^ h >> 16) * 0x85ebca6bu;
    h = (h ^ h >> 13) * 0xc2b2ae35u;
    data[i] = simt::from_float<Element>(float(int32_t(h ^ h >> 16)) * 0x1p-31f);
  }
}

constexpr int kBlock = 256;

cudaStream_t of(Stream stream) { return static_cast<cudaStream_t>(stream); }
cudaEvent_t event(void* e) { return static_cast<cudaEvent_t>(e); }
LaunchConfig on(int blocks, Stream stream) { return {dim3(unsigned(blocks)), dim3(kBlock), 0, of(stream)}; }

}  // namespace

int code_architecture() {
  cudaFuncAttributes attributes{};
  throw_if(cudaFuncGetAttributes(&attributes, empty_kernel), "code for this card");
  return attributes.ptxVersion;
}

size_t l2_cache_bytes() {
  int bytes = 0;
  throw_if(cudaDeviceGetAttribute(&bytes, cudaDevAttrL2CacheSize, 0), "the size of L2");
  return size_t(bytes);
}

std::string cuda_versions() {
  int driver = 0, runtime = 0;
  cudaDriverGetVersion(&driver), cudaRuntimeGetVersion(&runtime);
  const auto text = [](int v) { return std::to_string(v / 1000) + "." + std::to_string(v % 1000 / 10); };
  return "driver " + text(driver) + ", runtime " + text(runtime);
}

EventTimer::EventTimer() {
  for (void** e : {&start_, &stop_}) {
    cudaEvent_t made = nullptr;
    throw_if(cudaEventCreate(&made), "making an event");
    *e = made;
  }
}

EventTimer::~EventTimer() {
  cudaEventDestroy(event(start_));
  cudaEventDestroy(event(stop_));
}

double EventTimer::seconds(Stream stream, void* flush, size_t flush_bytes, const std::function<void()>& f) {
  // While the GPU writes the flush buffer, the host enqueues the rest: no launch waits for the host.
  throw_if(cudaMemsetAsync(flush, 0, flush_bytes, of(stream)), "flushing L2");
  throw_if(cudaEventRecord(event(start_), of(stream)), "recording an event");
  f();
  throw_if(cudaEventRecord(event(stop_), of(stream)), "recording an event");
  throw_if(cudaEventSynchronize(event(stop_)), "kernel");
  float ms = 0;
  throw_if(cudaEventElapsedTime(&ms, event(start_), event(stop_)), "reading the time");
  return double(ms) / 1e3;
}

void run_empty(Stream stream) { launch({dim3(1), dim3(32), 0, of(stream)}, empty_kernel); }

void fill_random(int blocks, void* data, Storage storage, int64_t count, uint32_t seed, Stream stream) {
  if (storage == Storage::f32) {
    launch(on(blocks, stream), fill_kernel<float>, static_cast<float*>(data), count, seed);
  } else if (storage == Storage::f16) {
    launch(on(blocks, stream), fill_kernel<simt::half>, static_cast<simt::half*>(data), count, seed);
  } else {
    launch(on(blocks, stream), fill_kernel<simt::bfloat16>, static_cast<simt::bfloat16*>(data), count, seed);
  }
}

}  // namespace gabor::bench
