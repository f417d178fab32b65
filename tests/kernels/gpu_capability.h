// What GPU the tests of kernels run on, and for which cards the code that it runs was compiled. Included by one .cu file of
// a program only: it holds a kernel.
#pragma once
#include <algorithm>
#include <string>

#include "kernels/simt/gpu.h"

namespace gabor::kernel_tests {

struct GpuCapability {
  std::string why_none;  // no GPU, or none that this program has code for; else empty
  std::string name;
  int device = 0;  // 10 major + minor of the GPU
  int code =
      0;  // the same of the architecture that the running code was compiled for: less than `device` where PTX of
          // an older one was translated by the driver, and what that one lacks is not in it
};

#if defined(__CUDACC__)
namespace {
__global__ void capability_probe() {}
}  // namespace

inline GpuCapability gpu_capability() {
  GpuCapability gpu;
  cudaDeviceProp properties{};
  cudaFuncAttributes attributes{};
  cudaError_t status = cudaGetDeviceProperties(&properties, 0);
  if (status == cudaSuccess) status = cudaFuncGetAttributes(&attributes, capability_probe);
  if (status != cudaSuccess) {
    gpu.why_none = std::string("no usable GPU: ") + cudaGetErrorString(status);
    return gpu;
  }
  gpu.name = properties.name;
  gpu.device = 10 * properties.major + properties.minor;
  gpu.code = std::min(gpu.device, attributes.ptxVersion);
  return gpu;
}
#else
// Host execution knows every instruction.
inline GpuCapability gpu_capability() { return {"", "the CPU", 90, 90}; }
#endif

}  // namespace gabor::kernel_tests
