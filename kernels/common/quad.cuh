// Four neighbouring elements moved by one instruction: 128 bits of float, 64 of half or bfloat16.
#pragma once
#include "kernels/common/unroll.cuh"
#include "kernels/simt/gpu.h"

namespace gabor::kernels {

inline constexpr int kQuad = 4;

template <class Element>
struct alignas(kQuad * sizeof(Element)) Quad {
  Element v[kQuad];
};

// kCount elements from p; kCount is 1 or kQuad, and p is aligned to as many.
template <int kCount, class Element>
__device__ __forceinline__ void load_floats(const Element* p, float* to) {
  static_assert(kCount == 1 || kCount == kQuad);
  if constexpr (kCount == 1) {
    *to = simt::to_float(*p);
  } else {
    const auto quad = simt::load<Quad<Element>>(p);
    GABOR_UNROLL
    for (int i = 0; i < kQuad; ++i) to[i] = simt::to_float(quad.v[i]);
  }
}

// The first `count` (at most kQuad) of v to p, as one vector if `vector`: then count is kQuad and p aligned.
template <class Element>
__device__ __forceinline__ void store_floats(Element* p, const float (&v)[kQuad], int count, bool vector) {
  if (vector) {
    Quad<Element> quad;
    GABOR_UNROLL
    for (int i = 0; i < kQuad; ++i) quad.v[i] = simt::from_float<Element>(v[i]);
    simt::store(p, quad);
  } else {
    GABOR_UNROLL
    for (int i = 0; i < kQuad; ++i)
      if (i < count) p[i] = simt::from_float<Element>(v[i]);
  }
}

}  // namespace gabor::kernels
