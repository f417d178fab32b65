// Two halves as a register of a fragment, as mma.sync (gpu.h) takes them.
#pragma once
#include "kernels/simt/gpu.h"

namespace gabor::simt {

// Rounded to nearest, ties to even; the first one low. One instruction on sm_80 and newer.
__host__ __device__ inline uint32_t half_pair(float low, float high) {
#if defined(__CUDACC__)
  const __half2 pair = __floats2half2_rn(low, high);
  return *reinterpret_cast<const uint32_t*>(&pair);
#else
  return uint32_t(__half_as_ushort(__float2half_rn(low))) | uint32_t(__half_as_ushort(__float2half_rn(high)))
                                                                << 16;
#endif
}

}  // namespace gabor::simt
