#include "device/cuda_device.h"

#include <cuda_runtime_api.h>
#include <nvtx3/nvToolsExt.h>

#include "core/text.h"
#include "device/cuda_queue.h"

namespace gabor {
namespace {

std::string why_none(cudaError_t status) {
  cudaGetLastError();
  switch (status) {
    case cudaErrorInsufficientDriver: {
      int driver = 0;
      cudaDriverGetVersion(&driver);  // 0: none is installed
      if (driver == 0) return "no NVIDIA driver is installed; use --backend cpu";
      return fmt::format(
          "the NVIDIA driver supports CUDA {}.{} and this build needs {}.{}; update the driver",
          driver / 1000, driver % 1000 / 10, CUDART_VERSION / 1000, CUDART_VERSION % 1000 / 10);
    }
    case cudaErrorNoDevice:
      return "the NVIDIA driver sees no GPU; use --backend cpu";
    default:
      return fmt::format("{} ({}); use --backend cpu", cudaGetErrorString(status), cudaGetErrorName(status));
  }
}

cudaStream_t of(StreamRef stream) { return static_cast<cudaStream_t>(stream.handle); }

}  // namespace

CudaDevice::CudaDevice(int number) : number_(number), name_(fmt::format("GPU {}", number)) {
  int count = 0;
  if (const cudaError_t status = cudaGetDeviceCount(&count); status != cudaSuccess)
    fail(ErrorCode::device, name_, "{}", why_none(status));
  if (number < 0 || number >= count)
    fail(ErrorCode::device, name_, "there is no such GPU; this machine has {} (numbered from 0)", count);
  make_current();
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, number), "asking for its properties");
  capability_ = 10 * properties.major + properties.minor;
  multiprocessors_ = properties.multiProcessorCount;
  int driver = 0;
  check(cudaDriverGetVersion(&driver), "asking for the driver's version");
  name_ = fmt::format("{} (sm_{}, driver of CUDA {}.{})", properties.name, capability_, driver / 1000,
                      driver % 1000 / 10);
  stream_ = make_stream();
  upload_ = make_stream();
}

void CudaDevice::check(int status, const char* what) const {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // it is reported now: the next launch shall not find it again
  fail(ErrorCode::device, name_, "{} failed: {} ({})", what, cudaGetErrorString(cudaError_t(status)),
       cudaGetErrorName(cudaError_t(status)));
}

CudaDevice::Stream CudaDevice::make_stream() const {
  cudaStream_t stream = nullptr;
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "making a stream");
  return Stream(stream);
}
void CudaDevice::DestroyStream::operator()(void* stream) const { cudaStreamDestroy(of({stream})); }

std::unique_ptr<Stopwatch> CudaDevice::stopwatch() { return make_event_stopwatch(*this); }
std::unique_ptr<Mark> CudaDevice::mark() { return make_event_mark(*this); }
std::unique_ptr<Replay> CudaDevice::replay() { return make_graph_replay(*this); }

void CudaDevice::begin_range(const char* name) { nvtxRangePushA(name); }
void CudaDevice::end_range() noexcept { nvtxRangePop(); }

void CudaDevice::make_current() const { check(cudaSetDevice(number_), "cudaSetDevice"); }

void* CudaDevice::allocate(size_t bytes) {
  make_current();
  void* data = nullptr;
  const cudaError_t status = cudaMalloc(&data, bytes ? bytes : 1);
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();  // it does not last
    size_t free = 0, total = 0;
    cudaMemGetInfo(&free, &total);
    fail(ErrorCode::memory, name_, "cannot allocate {} ({} of {} are free); use a smaller --batch or --size",
         human_bytes(double(bytes)), human_bytes(double(free)), human_bytes(double(total)));
  }
  check(status, "cudaMalloc");
  return data;
}

void CudaDevice::release(void* data, size_t) noexcept {
  cudaFree(data);  // waits for the work that may use it; a device that is lost has nothing to give back
}

size_t CudaDevice::free_bytes() const {
  make_current();
  size_t free = 0, total = 0;
  check(cudaMemGetInfo(&free, &total), "asking for its free memory");
  return free;
}

void* CudaDevice::allocate_host(size_t bytes) {
  make_current();
  void* data = nullptr;
  const cudaError_t status = cudaHostAlloc(&data, bytes ? bytes : 1, cudaHostAllocDefault);
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    fail(ErrorCode::memory, name_, "cannot pin {} of the host's memory; use a smaller --batch or --size",
         human_bytes(double(bytes)));
  }
  check(status, "cudaHostAlloc");
  return data;
}

void CudaDevice::release_host(void* data, size_t) noexcept {
  cudaStreamSynchronize(of(stream_of(Queue::upload)));  // copies that may still use it
  cudaStreamSynchronize(of(stream()));
  cudaFreeHost(data);
}

void CudaDevice::copy_to(void* device, const void* host, size_t bytes) {
  make_current();
  check(cudaMemcpyAsync(device, host, bytes, cudaMemcpyHostToDevice, of(stream())), "copying to it");
  check(cudaStreamSynchronize(of(stream())), "waiting for it");
}

void CudaDevice::copy_from(void* host, const void* device, size_t bytes) {
  make_current();
  check(cudaMemcpyAsync(host, device, bytes, cudaMemcpyDeviceToHost, of(stream())), "copying from it");
  check(cudaStreamSynchronize(of(stream())), "waiting for it");
}

void CudaDevice::queue_copy_to(void* device, const void* host, size_t bytes, Queue queue) {
  make_current();
  check(cudaMemcpyAsync(device, host, bytes, cudaMemcpyDefault, of(stream_of(queue))), "copying to it");
}

void CudaDevice::queue_copy_from(void* host, const void* device, size_t bytes, Queue queue) {
  make_current();
  check(cudaMemcpyAsync(host, device, bytes, cudaMemcpyDeviceToHost, of(stream_of(queue))),
        "copying from it");
}

void CudaDevice::zero(void* device, size_t bytes) {
  make_current();
  check(cudaMemsetAsync(device, 0, bytes, of(stream())), "clearing its memory");
  check(cudaStreamSynchronize(of(stream())), "waiting for it");
}

}  // namespace gabor
