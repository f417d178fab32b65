// Pooling, rung 1: one thread an element, and nothing else to know.
//
//   forward   y[n,p,q,c] = reduce of x[n, p*stride_h - pad_top + r, q*stride_w - pad_left + s, c] over the taps
//             (r,s) that lie in x: max (with the winner's tap), mean, or root of the sum of squares
//   backward  dx[n,h,w,c] (+)= sum over the windows that cover (h,w), in p,q order, of what each passes on. It
//             gathers: a scatter from y would need atomics where windows overlap. Through the ReLU before max (g.relu)
//             a window passes on nothing where its y is 0.
// x, dx: N,H,W,C; y, dy, argmax: N,P,Q,C; any alignment. Takes every problem (64-bit indices).
// A thread owns one element of y (forward) or dx (backward); neighbours are neighbouring channels, so accesses
// coalesce. No shared memory; 38-74 registers.
// Per element of y: R*S compares or FMAs; 4 (R*S + 1) bytes + 1 of argmax if nothing hits in a cache. 2x2 at stride 2
// in float: 4 FLOP for 21 bytes (backward through ReLU: 25), 0.2 FLOP/byte: DRAM-bound on every card (a GTX 1660 Ti
// turns at 19 FLOP/byte, an H200 at 14): floor 21 bytes * outputs / 288 GB/s or / 4.8 TB/s. The divisions of 64-bit
// indices (about 200 instructions) keep a GTX card from that floor: rung 2.
#pragma once
#include "kernels/pool2d/window.cuh"

namespace gabor::kernels {

struct PoolNaiveConfig {
  static constexpr int kThreads = 256;
  static_assert(kThreads % 32 == 0);
};

struct Pixel {
  int64_t n;
  int row, column, c;
};

// Where element `at` of an N,rows,columns,C tensor is.
__device__ inline Pixel pixel_of(int64_t at, int rows, int columns, int C) {
  const int64_t pixel = at / C, line = pixel / columns;
  return {line / rows, int(line % rows), int(pixel % columns), int(at % C)};
}

template <class Config, PoolKind kKind, class Element>
__global__ void __launch_bounds__(Config::kThreads)
    pool2d_forward_naive(PoolParams g, const Element* x, Element* y, void* argmax) {
  const int64_t at = int64_t(blockIdx.x) * Config::kThreads + threadIdx.x;
  if (at >= g.outputs) return;
  const Pixel o = pixel_of(at, g.P, g.Q, g.C);
  const Range rows = taps_inside(o.row, g.stride_h, g.pad_top, g.R, g.H);
  const Range columns = taps_inside(o.column, g.stride_w, g.pad_left, g.S, g.W);
  const int h = o.row * g.stride_h - g.pad_top, w = o.column * g.stride_w - g.pad_left;
  Window<kKind> window;
  for (int r = rows.begin; r < rows.end; ++r)
    for (int s = columns.begin; s < columns.end; ++s)
      window.take(simt::to_float(x[((o.n * g.H + h + r) * g.W + w + s) * g.C + o.c]), r * g.S + s);
  y[at] = simt::from_float<Element>(window.finish((rows.end - rows.begin) * (columns.end - columns.begin)));
  if (kKind == PoolKind::max && argmax != nullptr) store_tap(g, argmax, at, window.tap);
}

template <class Config, PoolKind kKind, class Element>
__global__ void __launch_bounds__(Config::kThreads)
    pool2d_backward_naive(PoolParams g, const Element* x, const Element* y, const void* argmax,
                          const Element* dy, Element* dx) {
  const int64_t at = int64_t(blockIdx.x) * Config::kThreads + threadIdx.x;
  if (at >= g.inputs) return;
  const Pixel in = pixel_of(at, g.H, g.W, g.C);
  const Range ps = windows_over(in.row, g.stride_h, g.pad_top, g.R, g.P);
  const Range qs = windows_over(in.column, g.stride_w, g.pad_left, g.S, g.Q);
  const float x_here = kKind == PoolKind::l2 ? simt::to_float(x[at]) : 0.0f;
  float sum = 0.0f;
  for (int p = ps.begin; p < ps.end; ++p)
    for (int q = qs.begin; q < qs.end; ++q) {
      const int64_t out = ((in.n * g.P + p) * g.Q + q) * g.C + in.c;
      const int tap = (in.row + g.pad_top - p * g.stride_h) * g.S + in.column + g.pad_left - q * g.stride_w;
      const bool hit = kKind == PoolKind::max && load_tap(g, argmax, out) == tap;
      sum += window_gradient<kKind>(g, simt::to_float(dy[out]), x_here,
                                    needs_y<kKind>(g) ? simt::to_float(y[out]) : 0.0f, hit,
                                    kKind == PoolKind::average ? window_size(g, p, q) : 1);
    }
  dx[at] = simt::from_float<Element>(g.accumulate ? simt::to_float(dx[at]) + sum : sum);
}

}  // namespace gabor::kernels
