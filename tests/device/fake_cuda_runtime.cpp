#include "device/fake_cuda_runtime.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <functional>

namespace gabor::testing {
namespace {

struct World {
  FakeCuda fake;
  std::vector<std::function<void()>> queue;  // of all streams: one order does for all
  cudaError_t last = cudaSuccess;
  bool lost = false;
};

// A C interface has no other place for it.
World& world() {
  static World w;
  return w;
}

// Counts a call; the error that it shall return.
cudaError_t called(const char* name) {
  World& w = world();
  w.fake.calls.emplace_back(name);
  const bool fails = int(w.fake.calls.size()) == w.fake.fail_at;
  if (fails && w.fake.lasting) w.lost = true;
  if (!fails && !w.lost) return cudaSuccess;
  return w.last = w.fake.failure;
}

cudaError_t refused(cudaError_t error) { return world().last = error; }

// A handle is the address of a byte of its own.
template <class Handle>
Handle make(std::set<Handle>& all) {
  return *all.insert(reinterpret_cast<Handle>(std::malloc(1))).first;
}
// What is destroyed is gone even where the call fails: nobody can do more.
template <class Handle>
void destroy(std::set<Handle>& all, Handle handle) {
  if (all.erase(handle)) std::free(handle);
}

}  // namespace

size_t FakeCuda::count(const std::string& name) const {
  return size_t(std::count(calls.begin(), calls.end(), name));
}

FakeCuda& fake_cuda() { return world().fake; }
void reset_fake_cuda() { world() = {}; }

void fake_cuda_flush() {
  for (const auto& work : world().queue) work();
  world().queue.clear();
}

}  // namespace gabor::testing

using gabor::testing::called;
using gabor::testing::fake_cuda;
using gabor::testing::fake_cuda_flush;
using gabor::testing::refused;
using gabor::testing::world;

extern "C" {

cudaError_t cudaDriverGetVersion(int* version) {
  *version = fake_cuda().driver;
  return called("cudaDriverGetVersion");
}

cudaError_t cudaGetDeviceCount(int* count) {
  if (const cudaError_t e = called("cudaGetDeviceCount")) return e;
  if (fake_cuda().driver < CUDART_VERSION) return refused(cudaErrorInsufficientDriver);
  *count = fake_cuda().devices;
  return *count ? cudaSuccess : refused(cudaErrorNoDevice);
}

cudaError_t cudaSetDevice(int) { return called("cudaSetDevice"); }

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* p, int) {
  if (const cudaError_t e = called("cudaGetDeviceProperties")) return e;
  std::memset(p, 0, sizeof *p);
  std::strcpy(p->name, "Fake");
  p->major = 7, p->minor = 5, p->multiProcessorCount = 4;
  return cudaSuccess;
}

cudaError_t cudaGetLastError() {
  const cudaError_t e = world().last;
  world().last = world().lost ? fake_cuda().failure : cudaSuccess;
  return e;
}

const char* cudaGetErrorName(cudaError_t error) {
  return error == cudaErrorMemoryAllocation ? "cudaErrorMemoryAllocation" : "cudaErrorFake";
}
const char* cudaGetErrorString(cudaError_t error) {
  return error == cudaErrorMemoryAllocation ? "out of memory" : "a fake error";
}

cudaError_t cudaMalloc(void** data, size_t bytes) {
  if (const cudaError_t e = called("cudaMalloc")) return e;
  size_t used = 0;
  for (const auto& [address, size] : fake_cuda().memory) used += size;
  if (bytes > fake_cuda().memory_bytes - used) return refused(cudaErrorMemoryAllocation);
  constexpr size_t kAlignment = 256;
  *data = std::aligned_alloc(kAlignment, (bytes + kAlignment - 1) / kAlignment * kAlignment);
  std::memset(*data, 0xff, bytes);
  fake_cuda().memory[*data] = bytes;
  return cudaSuccess;
}

cudaError_t cudaFree(void* data) {
  const cudaError_t e = called("cudaFree");
  fake_cuda_flush();
  if (fake_cuda().memory.erase(data)) std::free(data);
  return e;
}

cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  if (const cudaError_t e = called("cudaMemGetInfo")) return e;
  *total = *free = fake_cuda().memory_bytes;
  for (const auto& [address, size] : fake_cuda().memory) *free -= size;
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, cudaStream_t) {
  if (const cudaError_t e = called("cudaMemcpyAsync")) return e;
  // From memory of the host that is not pinned, the bytes are taken before the call returns.
  std::vector<char> taken;
  if (kind == cudaMemcpyHostToDevice)
    taken.assign(static_cast<const char*>(from), static_cast<const char*>(from) + bytes);
  world().queue.emplace_back(
      [=, taken = std::move(taken)] { std::memcpy(to, taken.empty() ? from : taken.data(), bytes); });
  return cudaSuccess;
}

cudaError_t cudaMemsetAsync(void* data, int value, size_t bytes, cudaStream_t) {
  if (const cudaError_t e = called("cudaMemsetAsync")) return e;
  world().queue.emplace_back([=] { std::memset(data, value, bytes); });
  return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  if (const cudaError_t e = called("cudaStreamCreateWithFlags")) return e;
  *stream = gabor::testing::make(fake_cuda().streams);
  return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  gabor::testing::destroy(fake_cuda().streams, stream);
  return called("cudaStreamDestroy");
}

cudaError_t cudaStreamSynchronize(cudaStream_t) {
  fake_cuda_flush();
  return called("cudaStreamSynchronize");
}

cudaError_t cudaEventCreate(cudaEvent_t* event) {
  if (const cudaError_t e = called("cudaEventCreate")) return e;
  *event = gabor::testing::make(fake_cuda().events);
  return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  gabor::testing::destroy(fake_cuda().events, event);
  return called("cudaEventDestroy");
}

cudaError_t cudaEventRecord(cudaEvent_t, cudaStream_t) { return called("cudaEventRecord"); }

cudaError_t cudaEventSynchronize(cudaEvent_t) {
  fake_cuda_flush();
  return called("cudaEventSynchronize");
}

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t, cudaEvent_t) {
  *milliseconds = 0.5f;
  return called("cudaEventElapsedTime");
}

}  // extern "C"
