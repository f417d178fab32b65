// One NVIDIA GPU. Built with GABOR_CUDA only. The CUDA runtime is linked statically and opens the driver when the first
// device is made, so a program that never makes one runs without a driver.
#pragma once
#include "device/device.h"

namespace gabor {

class CudaDevice final : public Device {
 public:
  // number: as cudaSetDevice counts. Throws Error{device}: no driver, a driver that is too old, no such GPU.
  explicit CudaDevice(int number);

  DeviceKind kind() const override { return DeviceKind::cuda; }
  // "NVIDIA GeForce RTX 4090 (sm_89, driver of CUDA 12.8)"
  std::string name() const override { return name_; }
  void* allocate(size_t bytes) override;
  void release(void* data, size_t bytes) noexcept override;
  void copy_to(void* device, const void* host, size_t bytes) override;
  void copy_from(void* host, const void* device, size_t bytes) override;
  void zero(void* device, size_t bytes) override;
  size_t free_bytes() const override;
  StreamRef stream_of(Queue queue) const override {
    return {(queue == Queue::work ? stream_ : upload_).get()};
  }
  std::unique_ptr<Stopwatch> stopwatch() override;  // by events on the stream
  bool asynchronous() const override { return true; }
  void* allocate_host(size_t bytes) override;
  void release_host(void* data, size_t bytes) noexcept override;
  void queue_copy_to(void* device, const void* host, size_t bytes, Queue queue) override;
  void queue_copy_from(void* host, const void* device, size_t bytes, Queue queue) override;
  std::unique_ptr<Mark> mark() override;
  std::unique_ptr<Replay> replay() override;
  void begin_range(const char* name) override;  // NVTX: Nsight Systems shows them
  void end_range() noexcept override;

  void make_current() const;                      // for the calling thread
  int capability() const { return capability_; }  // 10 major + minor
  int multiprocessors() const { return multiprocessors_; }
  // status: a cudaError_t. Throws Error{device} with the device's name, what was being done and CUDA's text.
  void check(int status, const char* what) const;

 private:
  int number_;
  std::string name_;
  int capability_ = 0, multiprocessors_ = 0;
  struct DestroyStream {
    void operator()(void* stream) const;
  };
  // Each a cudaStream_t; the legacy stream, which waits for all others, is never used.
  using Stream = std::unique_ptr<void, DestroyStream>;
  Stream make_stream() const;
  Stream stream_, upload_;
};

}  // namespace gabor
