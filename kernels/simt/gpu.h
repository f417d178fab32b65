// The one header that a kernel file includes. Under nvcc (or clang -x cuda) it is CUDA; under any other C++20
// compiler the same kernel runs on the CPU: one fiber a CUDA thread, one block after another (host/).
//
//   in a kernel file                                  under nvcc                  in host execution
//   __global__ __device__ threadIdx blockDim ...      as they are                 host/target.h
//   SHARED(float, s, [8][32]);                        __shared__ float s[8][32]   poisoned arena, red zones
//   SHARED_ALIGNED(16, float, s, [256]);              __align__(16) too           exactly that alignment
//   DYN_SHARED(float, s);  (float* s)                 extern __shared__           LaunchConfig::smem bytes
//   launch({grid, block, smem, stream}, kernel, a...) <<<>>>, checked             runs to the end, then returns
//   __syncthreads() _and _or _count, __syncwarp       as they are                 switch fibers, are checked
//   __shfl_*sync __ballot_sync __any_sync __all_sync  as they are                 one rendezvous of the lanes
//   simt::reduce_add, _min, _max; simt::match_any     sm_80 / sm_70 instruction,  one rendezvous of the lanes
//                                                     before that shuffles
//   atomicAdd, Min, Max, And, Or, Xor, Exch, CAS      as they are                 of integers only
//   simt::last_block(counter, blocks)                 fences and an atomic        the checker learns the order
//   simt::load<float4>(p), simt::store(p, v)          *reinterpret_cast           alignment is checked
//   simt::cp_async<16>, _commit, _wait<n>             cp.async (before sm_80: a   data arrives at the wait, is
//                                                     plain copy)                 poison until then
//   simt::ldmatrix_x4, _x2, _x4_trans                 ldmatrix (sm_75)            PTX's fragment layouts
//   simt::mma_m16n8k8_tf32, mma_m16n8k16_f16, _bf16   mma.sync (sm_80)            exact products, double sums
//   half bfloat16 float4 ...                          NVIDIA's types              the same, or host/standin.h
//   simt::to_float(v), simt::from_float<half>(f)      NVIDIA's conversions        the same bits
//
// Rules for authors of kernels (the reasons are what host execution can and cannot see):
//  1. No __shared__, <<<>>>, asm, cooperative groups, __activemask or CUDA header outside kernels/simt. A new
//     instruction gets a wrapper in cuda/ and host/ and a check in tests/kernels/simt/wrappers.cu, which runs on
//     a GPU too: the text of an asm statement is never executed on the host.
//  2. Collectives name all lanes that call them: a full mask, or one computed alike by all. No return before a
//     later barrier or collective. A block is a whole number of warps.
//  3. Lanes of a warp do not run in lockstep: __syncwarp between their accesses to shared memory. Shuffles order
//     nothing.
//  4. One block reads another's results after the next launch or after simt::last_block; it never waits for
//     another (blocks run one after another: that would hang).
//  5. SHARED_ALIGNED(16, ...) where float4, ldmatrix or cp.async touches it. One SHARED an array rather than a
//     struct of arrays: the red zones lie between. One barrier a source line: lines tell barriers apart.
//  6. The choice between code paths is a template argument, not __CUDA_ARCH__: host execution has to reach each.
//  7. Sums of floats by atomics have no fixed order, so they are not offered (atomicAdd of a float is deleted on
//     the host); reduce in two stages. half and bfloat16 are for storage: convert, compute in float.
//  8. No vector read of bytes that nobody wrote: fill tails with zeros. No two threads write one place, not even
//     the same value.
#pragma once
#include <cstdint>

#if defined(__CUDACC__)
#include "kernels/simt/cuda/target.h"
#else
#include "kernels/simt/host/target.h"
#endif

namespace gabor::simt {

using half = __half;
using bfloat16 = __nv_bfloat16;

inline constexpr unsigned kFullMask = 0xffffffffu;

// Exact, but for the last: round to nearest, ties to even (NaN stays NaN, too large becomes infinite).
__host__ __device__ inline float to_float(float v) { return v; }
__host__ __device__ inline float to_float(half v) { return __half2float(v); }
__host__ __device__ inline float to_float(bfloat16 v) { return __bfloat162float(v); }

template <class Element>
__host__ __device__ inline Element from_float(float v) {
  if constexpr (sizeof(Element) == 4) {
    return v;
  } else if constexpr (std::is_same_v<Element, half>) {
    return __float2half_rn(v);
  } else {
    return __float2bfloat16_rn(v);
  }
}

template <class Integer>
__host__ __device__ constexpr Integer ceil_div(Integer a, Integer b) {
  return (a + b - 1) / b;
}

}  // namespace gabor::simt
