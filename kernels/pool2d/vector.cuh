// Pooling, rung 2. Its one idea: kVector channels a thread, so that each tap is one 128-bit load (64-bit of halves)
// and the index arithmetic, now in 32 bits, is paid once for all of them.
//
// Formulas, tensors and order of sums are those of rung 1 (naive.cuh): results are equal bit for bit.
// kVector = 4: C a multiple of 4, pointers aligned to 4 elements, argmax to 4 bytes (16 if int32_t). kVector = 1: any
// C, for the sake of the 32-bit indices. Fewer than 2^31 elements in x and in y.
// A thread owns kVector channels of one pixel of y (forward) or dx (backward); a warp 128 neighbouring elements. No
// shared memory; at most 64 registers. FLOPs and bytes as in rung 1: DRAM-bound on an H200 and on a GTX
// 1660 Ti. With about 100 instructions for 84 bytes of a 2x2 window, issue takes a fifth of the time of the memory
// on either, so the memory's floor is within reach.
#pragma once
#include "kernels/common/pack.h"
#include "kernels/common/unroll.cuh"
#include "kernels/pool2d/window.cuh"

namespace gabor::kernels {

template <int kVector_>
struct PoolVectorConfig {
  static constexpr int kThreads = 256;
  static constexpr int kBlocksPerSM = 4;  // 64 registers: left alone, ptxas spills to get to 32 or 40
  static constexpr int kVector = kVector_;
  static_assert(kThreads % 32 == 0);
  static_assert(kVector == 1 || kVector == 4);  // a pack of bytes of arg-max is an aligned store
};

struct SmallPixel {
  int n, row, column, c;
};

__device__ inline SmallPixel small_pixel_of(unsigned at, unsigned rows, unsigned columns, unsigned C) {
  const unsigned pixel = at / C, line = pixel / columns;
  return {int(line / rows), int(line % rows), int(pixel % columns), int(at % C)};
}

template <class Tap, int kVector>
__device__ inline void load_taps_of(const void* argmax, int64_t at, int (&tap)[kVector]) {
  const auto pack = simt::load<Pack<Tap, kVector>>(static_cast<const Tap*>(argmax) + at);
  GABOR_UNROLL
  for (int i = 0; i < kVector; ++i) tap[i] = pack.e[i];
}
template <int kVector>
__device__ inline void load_taps(const PoolParams& g, const void* argmax, int64_t at, int (&tap)[kVector]) {
  if (g.wide_argmax) {
    load_taps_of<int32_t>(argmax, at, tap);
  } else {
    load_taps_of<uint8_t>(argmax, at, tap);
  }
}

template <class Tap, PoolKind kKind, int kVector>
__device__ inline void store_taps_of(void* argmax, int at, const Window<kKind> (&window)[kVector]) {
  Pack<Tap, kVector> pack;
  GABOR_UNROLL
  for (int i = 0; i < kVector; ++i) pack.e[i] = Tap(window[i].tap);
  simt::store(static_cast<Tap*>(argmax) + at, pack);
}

template <class Config, PoolKind kKind, class Element>
__global__ void __launch_bounds__(Config::kThreads, Config::kBlocksPerSM)
    pool2d_forward_vector(PoolParams g, const Element* x, Element* y, void* argmax) {
  constexpr int kVector = Config::kVector;
  const int64_t first = (int64_t(blockIdx.x) * Config::kThreads + threadIdx.x) * kVector;
  if (first >= g.outputs) return;
  const int at = int(first);
  const SmallPixel o = small_pixel_of(unsigned(at), unsigned(g.P), unsigned(g.Q), unsigned(g.C));
  const Range rows = taps_inside(o.row, g.stride_h, g.pad_top, g.R, g.H);
  const Range columns = taps_inside(o.column, g.stride_w, g.pad_left, g.S, g.W);
  const int h = o.row * g.stride_h - g.pad_top, w = o.column * g.stride_w - g.pad_left;
  Window<kKind> window[kVector];
  for (int r = rows.begin; r < rows.end; ++r) {
    const Element* row = x + ((o.n * g.H + h + r) * g.W + w + columns.begin) * g.C + o.c;
    for (int s = columns.begin; s < columns.end; ++s, row += g.C) {
      float v[kVector];
      load_floats(row, v);
      GABOR_UNROLL
      for (int i = 0; i < kVector; ++i) window[i].take(v[i], r * g.S + s);
    }
  }
  float result[kVector];
  GABOR_UNROLL
  for (int i = 0; i < kVector; ++i)
    result[i] = window[i].finish((rows.end - rows.begin) * (columns.end - columns.begin));
  store_floats(y + at, result);
  if (kKind == PoolKind::max && argmax != nullptr) {
    if (g.wide_argmax) {
      store_taps_of<int32_t>(argmax, at, window);
    } else {
      store_taps_of<uint8_t>(argmax, at, window);
    }
  }
}

template <class Config, PoolKind kKind, class Element>
__global__ void __launch_bounds__(Config::kThreads, Config::kBlocksPerSM)
    pool2d_backward_vector(PoolParams g, const Element* x, const Element* y, const void* argmax,
                           const Element* dy, Element* dx) {
  constexpr int kVector = Config::kVector;
  const int64_t first = (int64_t(blockIdx.x) * Config::kThreads + threadIdx.x) * kVector;
  if (first >= g.inputs) return;
  const int at = int(first);
  const SmallPixel in = small_pixel_of(unsigned(at), unsigned(g.H), unsigned(g.W), unsigned(g.C));
  const Range ps = windows_over(in.row, g.stride_h, g.pad_top, g.R, g.P);
  const Range qs = windows_over(in.column, g.stride_w, g.pad_left, g.S, g.Q);
  float x_here[kVector] = {}, y_there[kVector] = {}, sum[kVector] = {};
  if constexpr (kKind == PoolKind::l2) load_floats(x + at, x_here);
  for (int p = ps.begin; p < ps.end; ++p)
    for (int q = qs.begin; q < qs.end; ++q) {
      const int out = ((in.n * g.P + p) * g.Q + q) * g.C + in.c;
      const int here = (in.row + g.pad_top - p * g.stride_h) * g.S + in.column + g.pad_left - q * g.stride_w;
      int tap[kVector] = {};
      if constexpr (kKind == PoolKind::max) load_taps(g, argmax, out, tap);
      if (needs_y<kKind>(g)) load_floats(y + out, y_there);
      const int size = kKind == PoolKind::average ? window_size(g, p, q) : 1;
      float d[kVector];
      load_floats(dy + out, d);
      GABOR_UNROLL
      for (int i = 0; i < kVector; ++i)
        sum[i] += window_gradient<kKind>(g, d[i], x_here[i], y_there[i], tap[i] == here, size);
    }
  if (g.accumulate) {
    float before[kVector];
    load_floats(dx + at, before);
    GABOR_UNROLL
    for (int i = 0; i < kVector; ++i) sum[i] = before[i] + sum[i];
  }
  store_floats(dx + at, sum);
}

}  // namespace gabor::kernels
