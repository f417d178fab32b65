// Reductions over kLanes neighbouring lanes (a power of two, up to the warp), each of which gets the result: by
// log2(kLanes) shuffles, or nothing at all with one lane, so that a thread and a warp can share the code of a row. All
// lanes of the warp call, if kLanes is not 1.
#pragma once
#include "kernels/simt/gpu.h"

namespace gabor::kernels {

// NaN loses against a number.
template <int kLanes = 32>
__device__ inline float warp_max(float v) {
  for (int flip = kLanes / 2; flip > 0; flip /= 2) v = fmaxf(v, __shfl_xor_sync(simt::kFullMask, v, flip));
  return v;
}

// All lanes get the same bits: each level adds the same two numbers in both lanes of a pair.
template <int kLanes = 32>
__device__ inline float warp_sum(float v) {
  for (int flip = kLanes / 2; flip > 0; flip /= 2) v += __shfl_xor_sync(simt::kFullMask, v, flip);
  return v;
}

}  // namespace gabor::kernels
