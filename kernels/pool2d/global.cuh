// Pooling, the rung for a window that is the whole map.
//
//   forward   y[n,c] = max (with the winner's pixel r*S + s), mean, or root of the sum of squares, over r,s of x[n,r,s,c]
//   backward  dx[n,r,s,c] (+)= dy[n,c] at the winner and 0 elsewhere (through ReLU: 0 too where y[n,c] is 0),
//             dy[n,c] / (R*S), or dy[n,c] x[n,r,s,c] / y[n,c]
// x, dx: N,R,S,C; y, dy and argmax: N,1,1,C; any C. Alignment: any, but in the backward of kVector = 4, where C is a
// multiple of 4 and pointers are aligned to 4 elements.
//
// Forward. Its one idea: N*C outputs are too few threads to draw the memory's bandwidth, so the pixels of a map are split
// among the warps of a block. A block owns 32 channels of one sample, a lane one channel, warp k the pixels k, k + kWarps,
// ...; the warps' partial results are merged from first to last, so the result does not depend on the order of their
// execution. Shared memory: kWarps * 32 * 8 bytes = 2 KiB. 32-50 registers.
// R*S*C FMAs for 4 R*S*C bytes: 0.25 FLOP/byte, DRAM-bound on an H200 and on a GTX 1660 Ti alike (if the map is not
// still in L2 from the layer before). 7x7x512, N=128: 12.8 MB, 2.7 us at 4.8 TB/s, 45 us at 288 GB/s; 2,048 blocks fill
// both cards. Channels that are not a multiple of 32 leave lanes idle in the last block of a sample.
//
// Backward. Its one idea: what a window passes on is loaded, and for the mean divided, once for all pixels of a thread,
// which have no windows to look for: some 10 instructions a store where the vector rung needs 100. A block owns kPixels
// pixels of 32 * kVector channels of one sample, a lane kVector channels, a warp every kWarps-th pixel. No shared memory;
// 22-46 registers. At most 2 FLOP for 4 bytes (12 if l2, or accumulated 8 and 16): DRAM-bound on both cards; 7x7x512,
// N=128: 12.8 MB written, as long as the forward takes; 1,024 blocks of 4 KiB a warp fill both.
#pragma once
#include "kernels/pool2d/vector.cuh"

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

template <int kVector_>
struct PoolGlobalBackwardConfig {
  static constexpr int kWarps = 8;
  static constexpr int kThreads = 32 * kWarps;
  static constexpr int kVector = kVector_;
  static constexpr int kChannels = 32 * kVector;  // of a block
  static constexpr int kPixels = 4 * kWarps;      // of a block
  static_assert(kThreads <= 1024);
  static_assert(kVector == 1 || kVector == 4);
};

// grid: chunks of pixels (the fast index) * groups of channels * N.
template <class Config, PoolKind kKind, class Element>
__global__ void __launch_bounds__(Config::kThreads)
    pool2d_backward_global(PoolParams g, const Element* x, const Element* y, const void* argmax,
                           const Element* dy, Element* dx) {
  constexpr int kVector = Config::kVector;
  const int lane = int(threadIdx.x) % 32, warp = int(threadIdx.x) / 32;
  const int pixels = g.R * g.S;
  const unsigned chunks = simt::ceil_div(unsigned(pixels), unsigned(Config::kPixels));
  const unsigned groups = simt::ceil_div(unsigned(g.C), unsigned(Config::kChannels));
  const unsigned group = blockIdx.x / chunks;
  const int first = int(blockIdx.x % chunks) * Config::kPixels;
  const int last = pixels - first < Config::kPixels ? pixels : first + Config::kPixels;
  const int64_t n = group / groups;
  const int c = int(group % groups) * Config::kChannels + lane * kVector;
  if (c >= g.C) return;

  const int64_t out = n * g.C + c;
  float d[kVector], y_there[kVector] = {};
  int winner[kVector] = {};
  load_floats(dy + out, d);
  if (needs_y<kKind>(g)) load_floats(y + out, y_there);
  if constexpr (kKind == PoolKind::max) load_taps(g, argmax, out, winner);
  if constexpr (kKind == PoolKind::average) {
    GABOR_UNROLL
    for (int i = 0; i < kVector; ++i) d[i] = window_gradient<kKind>(g, d[i], 0.0f, 0.0f, false, pixels);
  }
  for (int pixel = first + warp; pixel < last; pixel += Config::kWarps) {
    const int64_t at = (n * pixels + pixel) * g.C + c;
    float v[kVector], x_here[kVector] = {};
    if constexpr (kKind == PoolKind::l2) load_floats(x + at, x_here);
    GABOR_UNROLL
    for (int i = 0; i < kVector; ++i)
      v[i] = kKind == PoolKind::average
                 ? d[i]
                 : window_gradient<kKind>(g, d[i], x_here[i], y_there[i], winner[i] == pixel, pixels);
    if (g.accumulate) {
      float before[kVector];
      load_floats(dx + at, before);
      GABOR_UNROLL
      for (int i = 0; i < kVector; ++i) v[i] = before[i] + v[i];
    }
    store_floats(dx + at, v);
  }
}

}  // namespace gabor::kernels
