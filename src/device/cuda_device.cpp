#include "device/cuda_device.h"

#include <cuda_runtime_api.h>

#include "core/text.h"

namespace gabor {
namespace {

void check(cudaError_t status, const std::string& device, const char* what) {
  if (status != cudaSuccess)
    fail(ErrorCode::device, device, "{} failed: {} ({})", what, cudaGetErrorString(status),
         cudaGetErrorName(status));
}

std::string why_none(cudaError_t status) {
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

cudaStream_t of(void* stream) { return static_cast<cudaStream_t>(stream); }

class EventStopwatch final : public Stopwatch {
 public:
  explicit EventStopwatch(CudaDevice& device) : device_(device) {
    device.make_current();
    check(cudaEventCreate(&begin_), device.name(), "making an event");
    if (const cudaError_t status = cudaEventCreate(&end_); status != cudaSuccess) {
      cudaEventDestroy(begin_);  // no destructor runs
      check(status, device.name(), "making an event");
    }
  }
  ~EventStopwatch() override {
    cudaEventDestroy(begin_);
    cudaEventDestroy(end_);
  }
  EventStopwatch(const EventStopwatch&) = delete;
  EventStopwatch& operator=(const EventStopwatch&) = delete;

  double seconds(const std::function<void()>& work) override {
    const cudaStream_t stream = of(device_.stream().handle);
    device_.make_current();
    check(cudaEventRecord(begin_, stream), device_.name(), "timing");
    work();
    check(cudaEventRecord(end_, stream), device_.name(), "timing");
    check(cudaEventSynchronize(end_), device_.name(), "waiting for it");
    float milliseconds = 0;
    check(cudaEventElapsedTime(&milliseconds, begin_, end_), device_.name(), "timing");
    return double(milliseconds) * 1e-3;
  }

 private:
  CudaDevice& device_;
  cudaEvent_t begin_ = nullptr, end_ = nullptr;
};

}  // namespace

CudaDevice::CudaDevice(int number) : number_(number), name_(fmt::format("GPU {}", number)) {
  int count = 0;
  if (const cudaError_t status = cudaGetDeviceCount(&count); status != cudaSuccess)
    fail(ErrorCode::device, name_, "{}", why_none(status));
  if (number < 0 || number >= count)
    fail(ErrorCode::device, name_, "there is no such GPU; this machine has {} (numbered from 0)", count);
  make_current();
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, number), name_, "asking for its properties");
  capability_ = 10 * properties.major + properties.minor;
  multiprocessors_ = properties.multiProcessorCount;
  int driver = 0;
  check(cudaDriverGetVersion(&driver), name_, "asking for the driver's version");
  name_ = fmt::format("{} (sm_{}, driver of CUDA {}.{})", properties.name, capability_, driver / 1000,
                      driver % 1000 / 10);
  cudaStream_t made = nullptr;
  check(cudaStreamCreateWithFlags(&made, cudaStreamNonBlocking), name_, "making a stream");
  stream_ = made;
}

CudaDevice::~CudaDevice() {
  if (stream_) cudaStreamDestroy(of(stream_));
}

std::unique_ptr<Stopwatch> CudaDevice::stopwatch() { return std::make_unique<EventStopwatch>(*this); }

void CudaDevice::make_current() const { check(cudaSetDevice(number_), name_, "cudaSetDevice"); }

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
  check(status, name_, "cudaMalloc");
  return data;
}

void CudaDevice::release(void* data, size_t) noexcept {
  cudaFree(data);  // waits for the work that may use it; a device that is lost has nothing to give back
}

void CudaDevice::copy_to(void* device, const void* host, size_t bytes) {
  make_current();
  check(cudaMemcpyAsync(device, host, bytes, cudaMemcpyHostToDevice, of(stream_)), name_, "copying to it");
  check(cudaStreamSynchronize(of(stream_)), name_, "waiting for it");
}

void CudaDevice::copy_from(void* host, const void* device, size_t bytes) {
  make_current();
  check(cudaMemcpyAsync(host, device, bytes, cudaMemcpyDeviceToHost, of(stream_)), name_, "copying from it");
  check(cudaStreamSynchronize(of(stream_)), name_, "waiting for it");
}

void CudaDevice::zero(void* device, size_t bytes) {
  make_current();
  check(cudaMemsetAsync(device, 0, bytes, of(stream_)), name_, "clearing its memory");
  check(cudaStreamSynchronize(of(stream_)), name_, "waiting for it");
}

}  // namespace gabor
