// Reductions over kLanes neighbouring lanes (a power of two, up to the warp), each of which gets the result: by
// log2(kLanes) shuffles, or nothing at all with one lane, so that a thread and a warp can share the code of a row. All
// lanes of the warp call, if kLanes is not 1.
#pragma once
#include "kernels/common/unroll.cuh"
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

// kCount sums over the warp, a power of two up to 32: lane i gets that of v[i % kCount]. Each level halves what a lane holds:
// about 32 shuffles at most, not five a sum. v is used up.
template <int kCount>
__device__ inline float warp_sums(float (&v)[kCount]) {
  static_assert(kCount <= 32 && (kCount & (kCount - 1)) == 0);
  const int lane = int(threadIdx.x) % 32;
  GABOR_UNROLL
  for (int half = kCount / 2; half > 0; half /= 2) {
    const bool upper = (lane & half) != 0;
    GABOR_UNROLL
    for (int i = 0; i < half; ++i) {
      const float kept = upper ? v[i + half] : v[i], given = upper ? v[i] : v[i + half];
      v[i] = kept + __shfl_xor_sync(simt::kFullMask, given, half);
    }
  }
  float sum = v[0];
  for (int flip = kCount; flip < 32; flip *= 2) sum += __shfl_xor_sync(simt::kFullMask, sum, flip);
  return sum;
}

}  // namespace gabor::kernels
