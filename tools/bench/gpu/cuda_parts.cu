#include "gpu/cuda_parts.h"
#include "kernels/simt/gpu.h"

namespace gabor::bench {
namespace {

using simt::throw_if;

__global__ void empty_kernel() {}

__global__ void copy_kernel(const float4* x, float4* y, int64_t count) {
  const int64_t stride = int64_t(gridDim.x) * blockDim.x;
  for (int64_t i = blockIdx.x * int64_t(blockDim.x) + threadIdx.x; i < count; i += stride) y[i] = x[i];
}

// Independent chains, enough of them to hide the latency of an instruction.
constexpr int kChains = 16, kSteps = 4096;

__global__ void ffma_kernel(float a, float b, float* out) {
  float sum[kChains];
  for (int i = 0; i < kChains; ++i) sum[i] = float(threadIdx.x + i);
  for (int step = 0; step < kSteps; ++step)
#pragma unroll
    for (int i = 0; i < kChains; ++i) sum[i] = sum[i] * a + b;
  float total = 0;
  for (int i = 0; i < kChains; ++i) total += sum[i];
  if (total == 12345.0f) *out = total;  // never: but the compiler does not know
}

constexpr int kTiles = 8;

template <bool kTf32>
__global__ void mma_kernel(uint32_t a_bits, uint32_t b_bits, float* out) {
  float sum[kTiles][4] = {};
  const uint32_t a[4] = {a_bits, a_bits + threadIdx.x, a_bits, a_bits}, b[2] = {b_bits, b_bits};
  for (int step = 0; step < kSteps; ++step)
#pragma unroll
    for (int i = 0; i < kTiles; ++i) {
      if constexpr (kTf32) {
        simt::mma_m16n8k8_tf32(sum[i], a, b, sum[i]);
      } else {
        simt::mma_m16n8k16_f16(sum[i], a, b, sum[i]);
      }
    }
  float total = 0;
  for (int i = 0; i < kTiles; ++i) total += sum[i][0] + sum[i][1] + sum[i][2] + sum[i][3];
  if (total == 12345.0f) *out = total;
}

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

// Of one launch of mma_kernel, whose instructions multiply 16 x k by k x 8.
double mma_flops(int blocks, int k) {
  return double(blocks) * kBlock / 32 * kTiles * kSteps * 2.0 * 16 * 8 * k;
}

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

double run_copy(int blocks, const void* x, void* y, int64_t bytes, Stream stream) {
  launch(on(blocks, stream), copy_kernel, static_cast<const float4*>(x), static_cast<float4*>(y), bytes / 16);
  return 2.0 * double(bytes / 16 * 16);
}

double run_ffma(int blocks, float* out, Stream stream) {
  launch(on(blocks, stream), ffma_kernel, 0.5f, 1.0f, out);
  return double(blocks) * kBlock * 2.0 * kChains * kSteps;
}

double run_mma_tf32(int blocks, float* out, Stream stream) {
  launch(on(blocks, stream), mma_kernel<true>, 0x3f000000u, 0x3e000000u, out);
  return mma_flops(blocks, 8);
}

double run_mma_f16(int blocks, float* out, Stream stream) {
  launch(on(blocks, stream), mma_kernel<false>, 0x38003400u, 0x34003800u, out);
  return mma_flops(blocks, 16);
}

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
