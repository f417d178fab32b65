// gpu.h under a host compiler: CUDA's words, meaning host execution. Kernels see this and runtime.h; how threads
// are run is in the .cpp files beside.
#pragma once
#include <cmath>
#include <cstring>
#include <type_traits>

#include "kernels/simt/error.h"
#include "kernels/simt/host/types.h"
// (types.h first: NVIDIA's headers define the qualifiers below too)
#include "kernels/simt/host/runtime.h"

#undef __global__
#undef __device__
#undef __host__
#undef __constant__
#undef __forceinline__
#undef __launch_bounds__
#undef __grid_constant__
#undef __shared__
#define __global__
#define __device__
#define __host__
#define __constant__ static
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __grid_constant__
#define __shared__ _Pragma("GCC error \"write SHARED(), SHARED_ALIGNED() or DYN_SHARED()\"")

// An array (or object) of this block, filled with 0xff (NaN, -1) and counted as unwritten when the block starts.
// `align` is exact: an array read as float4 that lacks SHARED_ALIGNED(16, ...) is misaligned here.
#define SHARED_ALIGNED(align, T, name, ...)                \
  using name##_shared_type = T __VA_ARGS__;                \
  static ::gabor::simt::host::SharedTag name##_shared_tag; \
  auto& name = *static_cast<name##_shared_type*>(          \
      ::gabor::simt::host::shared_array(name##_shared_tag, sizeof(name##_shared_type), align, #name))
#define SHARED(T, name, ...) SHARED_ALIGNED(alignof(T), T, name, __VA_ARGS__)
#define DYN_SHARED(T, name) T* name = static_cast<T*>(::gabor::simt::host::shared_dynamic())

// The running thread's built-in variables, set by the scheduler: CUDA makes them globals, so they are here too.
// Launches exclude each other, so there is one running thread at any time.
inline uint3 threadIdx{}, blockIdx{};
inline dim3 blockDim{}, gridDim{};
inline constexpr int warpSize = 32;

namespace gabor {

struct LaunchConfig {
  dim3 grid, block;
  size_t smem = 0;         // dynamic shared memory, bytes
  void* stream = nullptr;  // launches are done when they return: streams have nothing to order
  simt::host::Site site = simt::host::Site::here();  // of the launch, for error messages
};

// Runs the kernel to the end. Throws simt::Error that names what a checker or the runtime found wrong with it.
template <class... Params>
void launch(const LaunchConfig& config, void (*kernel)(Params...), std::type_identity_t<Params>... args) {
  auto body = [=] { kernel(args...); };
  simt::host::run_grid(
      {config.grid, config.block, config.smem, config.site, sizeof body, config.stream},
      [](void* closure) { (*static_cast<decltype(body)*>(closure))(); }, &body);
}

}  // namespace gabor

#include "kernels/simt/host/async_copy.h"
#include "kernels/simt/host/atomics.h"
#include "kernels/simt/host/intrinsics.h"
#include "kernels/simt/host/tensor_core.h"
#include "kernels/simt/host/warp.h"
