// gpu.h under nvcc or clang -x cuda: almost everything is CUDA's own.
#pragma once
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <string>
#include <type_traits>

#include "kernels/simt/error.h"

#define SHARED(T, name, ...) __shared__ T name __VA_ARGS__
#define SHARED_ALIGNED(alignment, T, name, ...) \
  __shared__ __align__(alignment)               \
  T name __VA_ARGS__
// One untyped name for all kernels of a file: CUDA wants every extern __shared__ of a name to have one type.
#define DYN_SHARED(T, name)                                             \
  extern __shared__ __align__(16) unsigned char gabor_dynamic_shared[]; \
  T* name = reinterpret_cast<T*>(gabor_dynamic_shared)

namespace gabor {

struct LaunchConfig {
  dim3 grid, block;
  size_t smem = 0;                // dynamic shared memory, bytes
  cudaStream_t stream = nullptr;  // the launchers of backends/cuda always pass one
};

namespace simt {

inline void throw_if(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // the error is reported now: the next launch shall not find it again
  throw Error(std::string(what) + ": " + cudaGetErrorName(status) + ": " + cudaGetErrorString(status));
}

}  // namespace simt

// Enqueues the kernel. Throws simt::Error if it could not be launched; what goes wrong while it runs shows at a
// later synchronisation.
template <class... Params>
void launch(const LaunchConfig& config, void (*kernel)(Params...), std::type_identity_t<Params>... args) {
  constexpr size_t kWithoutOptIn = 48 * 1024;
  if (config.smem > kWithoutOptIn)
    simt::throw_if(
        cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, int(config.smem)),
        "dynamic shared memory");
  kernel<<<config.grid, config.block, config.smem, config.stream>>>(args...);
  simt::throw_if(cudaGetLastError(), "kernel launch");
}

}  // namespace gabor

#include "kernels/simt/cuda/async_copy.h"
#include "kernels/simt/cuda/tensor_core.h"
#include "kernels/simt/cuda/warp.h"
