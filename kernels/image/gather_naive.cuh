// Pictures of a set into a batch, rung 1: one thread a byte of y.
//
// Formula: core/problem/gather.h. x: pictures,H,W,C bytes; y: N,H,W,C bytes; any alignment, any size. A thread owns one
// byte; neighbours are neighbouring channels, then pixels, so accesses coalesce (backwards where mirrored). No shared
// memory; at most 32 registers. No FLOP, 2 bytes: DRAM-bound in principle, but three divisions of 64-bit indices, some 200
// instructions, stand before each byte: rung 2.
#pragma once
#include "kernels/image/gather_source.cuh"

namespace gabor::kernels {

struct GatherNaiveConfig {
  static constexpr int kThreads = 256;
  static_assert(kThreads % 32 == 0);
};

template <class Config>
__global__ void __launch_bounds__(Config::kThreads) gather_naive(GatherParams g, uint8_t* y) {
  const int64_t at = int64_t(blockIdx.x) * Config::kThreads + threadIdx.x;
  if (at >= g.count) return;
  const int64_t pixel = at / g.C, line = pixel / g.W;
  const GatherLine source(g, g.rows[line / g.H], int(line % g.H));
  y[at] = source.pixel(int(pixel % g.W))[at % g.C];
}

}  // namespace gabor::kernels
