// kVector neighbouring elements, moved by one load or store of that size (16 bytes: the widest there is).
#pragma once
#include "kernels/simt/gpu.h"

namespace gabor::kernels {

template <class Element, int kVector>
struct alignas(sizeof(Element) * kVector) Pack {
  Element e[kVector];
};

// v = the elements at p, which is aligned to the pack.
template <int kVector, class Element>
__device__ inline void load_floats(const Element* p, float (&v)[kVector]) {
  const auto pack = simt::load<Pack<Element, kVector>>(p);
#pragma unroll
  for (int i = 0; i < kVector; ++i) v[i] = simt::to_float(pack.e[i]);
}

// Rounds v to Element and stores it at p, which is aligned to the pack.
template <int kVector, class Element>
__device__ inline void store_floats(Element* p, const float (&v)[kVector]) {
  Pack<Element, kVector> pack;
#pragma unroll
  for (int i = 0; i < kVector; ++i) pack.e[i] = simt::from_float<Element>(v[i]);
  simt::store(p, pack);
}

}  // namespace gabor::kernels
