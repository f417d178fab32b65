// What differs between a GPU (gpu_runtime.cpp) and its emulation (emulated_runtime.cpp).
#pragma once
#include <memory>

#include "device/device.h"

namespace gabor::cuda {

// What the choice of kernels depends on.
struct Gpu {
  int capability = 75;  // 10 major + minor
  int multiprocessors = 1;
};

constexpr int kTensorCapability = 80;  // from here on there are the matrix instructions that our kernels use

extern const char* const kBackendName;  // "cuda" or "cuda_emulated"
extern const bool kEmulated;            // Traits::emulated

std::unique_ptr<Device> make_device(int number);
Gpu gpu_of(const Device& device);

// While it lives, kernels may be launched and device memory is theirs (the emulation seals it at other times, so that
// host code that touches it is found out).
class KernelScope {
 public:
  explicit KernelScope(Device& device);
  ~KernelScope();
  KernelScope(const KernelScope&) = delete;
  KernelScope& operator=(const KernelScope&) = delete;

 private:
  Device& device_;
};

}  // namespace gabor::cuda
