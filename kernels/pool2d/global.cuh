// Pooling, the rung for a window that is the whole map. Its one idea: N*C outputs are too few threads to draw the
// memory's bandwidth, so the pixels of a map are split among the warps of a block.
//
//   y[n,c] = max (with the winner's pixel r*S + s), mean, or root of the sum of squares, over r,s of x[n,r,s,c]
// x: N,R,S,C; y and argmax: N,1,1,C; any alignment and any C. The backward is rung 1's or 2's: one window an element.
// A block owns 32 channels of one sample, a lane one channel, warp k the pixels k, k + kWarps, ...; the warps'
// partial results are merged from first to last, so the result does not depend on the order of their execution.
// Shared memory: kWarps * 32 * 8 bytes = 2 KiB. 32-50 registers.
// R*S*C FMAs for 4 R*S*C bytes: 0.25 FLOP/byte, DRAM-bound on an H200 and on a GTX 1660 Ti alike (if the map is not
// still in L2 from the layer before). 7x7x512, N=128: 12.8 MB, 2.7 us at 4.8 TB/s, 45 us at 288 GB/s; 2,048 blocks fill
// both cards. Channels that are not a multiple of 32 leave lanes idle in the last block of a sample.
#pragma once
#include "kernels/pool2d/window.cuh"

namespace gabor::kernels {

struct PoolGlobalConfig {
  static constexpr int kWarps = 8;
  static constexpr int kThreads = 32 * kWarps;
  static_assert(kThreads <= 1024);
};

template <class Config, PoolKind kKind, class Element>
__global__ void __launch_bounds__(Config::kThreads)
    pool2d_forward_global(PoolParams g, const Element* x, Element* y, void* argmax) {
  SHARED(float, values, [Config::kWarps][32]);
  SHARED(int, taps, [Config::kWarps][32]);
  const int lane = int(threadIdx.x) % 32, warp = int(threadIdx.x) / 32;
  const unsigned groups = simt::ceil_div(unsigned(g.C), 32u);
  const int64_t n = blockIdx.x / groups;
  const int c = int(blockIdx.x % groups) * 32 + lane;
  const int pixels = g.R * g.S;
  const Element* map = x + n * pixels * g.C + c;

  Window<kKind> window;
  if (c < g.C)
    for (int pixel = warp; pixel < pixels; pixel += Config::kWarps)
      window.take(simt::to_float(map[int64_t(pixel) * g.C]), pixel);
  values[warp][lane] = window.value;
  taps[warp][lane] = window.tap;
  __syncthreads();

  if (warp != 0 || c >= g.C) return;
  for (int other = 1; other < Config::kWarps; ++other) {
    Window<kKind> part;
    part.value = values[other][lane];
    part.tap = taps[other][lane];
    window.merge(part);
  }
  y[n * g.C + c] = simt::from_float<Element>(window.finish(pixels));
  if (kKind == PoolKind::max && argmax != nullptr) store_tap(g, argmax, n * g.C + c, window.tap);
}

}  // namespace gabor::kernels
