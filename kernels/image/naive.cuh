// Crop, mirror and normalise, rung 1: one thread an element of y.
//
//   y[n,p,q,c] = x[n, top[n] + p, left[n] + (flip[n] ? Q-1-q : q), c] * scale[c] + shift[c], or 0 outside the picture
// x: N,H,W,C bytes; y: N,P,Q,C; crops: N; any alignment, any size. A thread owns one element; neighbours are neighbouring
// channels, then pixels, so accesses coalesce (backwards where flipped). No shared memory; at most 32 registers.
// 2 FLOP for 5 bytes (float): DRAM-bound in principle on an H200 (turns at 14 FLOP/byte) and a GTX 1660 Ti (19), but three
// divisions of 64-bit indices, some 200 instructions, stand before each element: rung 2.
#pragma once
#include "kernels/image/source.cuh"

namespace gabor::kernels {

struct CropNaiveConfig {
  static constexpr int kThreads = 256;
  static_assert(kThreads % 32 == 0);
};

template <class Config, class Element>
__global__ void __launch_bounds__(Config::kThreads) crop_normalize_naive(CropParams g, Element* y) {
  const int64_t at = int64_t(blockIdx.x) * Config::kThreads + threadIdx.x;
  if (at >= g.count) return;
  const int64_t pixel = at / g.C, row = pixel / g.Q;
  const CropRow source(g, row / g.P, int(row % g.P));
  y[at] = simt::from_float<Element>(source.value(g, int(pixel % g.Q), int(at % g.C)));
}

}  // namespace gabor::kernels
