// An array in device memory for tests of kernels: cudaMalloc's under nvcc, the emulated GPU's on the host. Every
// array starts as 0xff bytes (NaN, -1).
#pragma once
#include <vector>

#include "kernels/simt/gpu.h"

namespace gabor::simt {

template <class T>
class DeviceArray {
 public:
  // `name` shows in the reports of the access checker.
  explicit DeviceArray(size_t size, const char* name = "array") : size_(size) { allocate(name); }
  explicit DeviceArray(const std::vector<T>& values, const char* name = "array") : size_(values.size()) {
    allocate(name);
    upload(values);
  }
  ~DeviceArray() { release(); }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;

  T* data() { return data_; }
  size_t size() const { return size_; }

  // After all that was launched. Throws Error if the device failed, or if a kernel left elements unwritten (host
  // execution, check build).
  std::vector<T> values() const {
    std::vector<T> copy(size_);
    download(copy);
    return copy;
  }

 private:
#if defined(__CUDACC__)
  void allocate(const char* name) {
    if (size_ == 0) return;
    throw_if(cudaMalloc(&data_, bytes()), name);
    throw_if(cudaMemset(data_, 0xff, bytes()), name);
  }
  void upload(const std::vector<T>& from) {
    throw_if(cudaMemcpy(data_, from.data(), bytes(), cudaMemcpyHostToDevice), "upload");
  }
  void download(std::vector<T>& to) const {
    throw_if(cudaDeviceSynchronize(), "kernel");
    throw_if(cudaMemcpy(to.data(), data_, bytes(), cudaMemcpyDeviceToHost), "download");
  }
  void release() { cudaFree(data_); }
#else
  void allocate(const char* name) { data_ = static_cast<T*>(host::device_alloc(bytes(), name)); }
  void upload(const std::vector<T>& from) { host::device_write(data_, from.data(), bytes()); }
  void download(std::vector<T>& to) const { host::device_read(to.data(), data_, bytes()); }
  void release() { host::device_free(data_); }
#endif
  size_t bytes() const { return size_ * sizeof(T); }

  size_t size_;
  T* data_ = nullptr;
};

}  // namespace gabor::simt
