// Fused first block, rung 0: straight from the formula, one thread a result. Any problem that first_block_refuses
// takes.
//   y[n,p,q,k] = max over i,j < 2 of relu(b[k] + sum over r,s,c of x[n,h,v,c] w[k,r,s,c]),
//                h = (2p + i) stride_h - pad_top + r dil_h, v alike; of i,j inside the full-size map
//   dw[k,r,s,c] (+)= sum over n,p,q of dy[n,p,q,k] x[n,h,v,c] with the winner's i,j;  db[k] (+)= sum of dy[n,p,q,k];
//                of those n,p,q,k whose winner is above 0 or NaN
// Shapes, types, arg-max: first_block.h. Any alignment.
// forward:  a thread owns two neighbouring filters of a pooled pixel, which share a byte of the arg-max; a block 256
// such.
// backward: a thread owns one element of dw, or one of db (the column after a filter's last tap), and walks all pooled
//           pixels: K (R S C + 1) threads, which fill no GPU. A block owns 256.
// No shared memory. 8 R S C FLOPs a result forward, 2 a pooled pixel and element backward, with two loads (and the
// normalisation) for each product: bound by the rate of the L1 cache on an H200 as on a GTX 1660 Ti, far from any roof.
#pragma once
#include "kernels/common/epilogue.cuh"
#include "kernels/first_block/params.cuh"

namespace gabor::kernels::first_block {

struct NaiveConfig {
  static constexpr int kThreads = 256;
  static_assert(kThreads % 32 == 0);
};

// The convolution at row, column of the full-size map.
template <class Element, class Accumulator>
__device__ Accumulator convolve(const Params& g, const void* x, const Element* w, const float* b, int64_t n,
                                int64_t row, int64_t column, int64_t k) {
  Accumulator sum = b ? Accumulator(b[k]) : Accumulator(0);
  for (int32_t r = 0; r < g.R; ++r) {
    const int64_t h = row * g.stride_h - g.pad_top + int64_t{r} * g.dil_h;
    if (h < 0 || h >= g.H) continue;
    for (int32_t s = 0; s < g.S; ++s) {
      const int64_t v = column * g.stride_w - g.pad_left + int64_t{s} * g.dil_w;
      if (v < 0 || v >= g.W) continue;
      for (int32_t c = 0; c < g.C; ++c)
        sum += Accumulator(g.pixel(x, ((n * g.H + h) * g.W + v) * g.C + c, c)) *
               Accumulator(simt::to_float(w[((k * g.R + r) * g.S + s) * g.C + c]));
    }
  }
  return sum;
}

// argmax may be null.
template <class Config, class Element, class Accumulator>
__global__ __launch_bounds__(Config::kThreads) void forward_naive(Params g, const void* x, const Element* w,
                                                                  const float* b, Element* y,
                                                                  uint8_t* argmax) {
  const int64_t at = int64_t(blockIdx.x) * Config::kThreads + threadIdx.x, pairs = g.filter_pairs();
  if (at >= g.N * g.P * g.Q * pairs) return;
  const int64_t pixel = at / pairs, q = pixel % g.Q, p = pixel / g.Q % g.P, n = pixel / g.Q / g.P;
  const int64_t first_k = at % pairs * 2;
  uint32_t codes = 0;
  for (int64_t k = first_k; k < first_k + 2 && k < g.K; ++k) {
    Winner best{};
    for (int32_t place = 0; place < 4; ++place) {
      const int64_t row = 2 * p + place / 2, column = 2 * q + place % 2;
      if (row >= g.full_P || column >= g.full_Q) continue;
      const float v = float(convolve<Element, Accumulator>(g, x, w, b, n, row, column, k));
      if (place == 0) {
        best = {v, 0};
      } else {
        best.challenge(v, place);
      }
    }
    y[pixel * g.K + k] = simt::from_float<Element>(best.relu());
    codes |= best.code() << (k - first_k) * 4;
  }
  if (argmax) argmax[at] = uint8_t(codes);
}

// db may be null.
template <class Config, class Element, class Accumulator, class Epilogue>
__global__ __launch_bounds__(Config::kThreads) void backward_naive(Params g, const void* x,
                                                                   const uint8_t* argmax, const Element* dy,
                                                                   Epilogue epilogue, float* dw, float* db) {
  const int64_t at = int64_t(blockIdx.x) * Config::kThreads + threadIdx.x, columns = g.taps() + (db ? 1 : 0);
  if (at >= g.K * columns) return;
  const int64_t k = at / columns, tap = at % columns;
  const int64_t c = tap % g.C, s = tap / g.C % g.S, r = tap / g.C / g.S;
  const bool of_bias = tap == g.taps();
  Accumulator sum = 0;
  for (int64_t n = 0; n < g.N; ++n)
    for (int64_t p = 0; p < g.P; ++p)
      for (int64_t q = 0; q < g.Q; ++q) {
        const int64_t pixel = (n * g.P + p) * g.Q + q;
        const Code winner = code_at(g, argmax, pixel, int32_t(k));
        if (!winner.alive) continue;
        const Accumulator d = simt::to_float(dy[pixel * g.K + k]);
        if (of_bias) {
          sum += d;
          continue;
        }
        const int64_t h = (2 * p + winner.row) * g.stride_h - g.pad_top + r * g.dil_h;
        const int64_t v = (2 * q + winner.column) * g.stride_w - g.pad_left + s * g.dil_w;
        if (h < 0 || h >= g.H || v < 0 || v >= g.W) continue;
        sum += d * Accumulator(g.pixel(x, ((n * g.H + h) * g.W + v) * g.C + c, int32_t(c)));
      }
  float* to = of_bias ? db + k : dw + k * g.taps() + tap;
  *to = epilogue(float(sum), k, epilogue.reads_old() ? *to : 0.0f);
}

}  // namespace gabor::kernels::first_block
