// Batch normalisation, rung 2, forward. Formulas: formulas.cuh; who owns what: tile.cuh.
//
// x, y: rows,C, aligned to kVector elements, of which C is a multiple; the others C floats. Its two ideas: the rows are
// cut into slices, so that a GPU has work for all its multiprocessors however few channels there are; and mean and sum
// of squared deviations (m2) come from one pass over x without the cancellation of E[x^2] - E[x]^2: a thread takes 4
// rows into registers, finds their mean and m2 by two passes there, and merges them with what it has; so do lanes, and
// slices (the pairwise updates of Chan, Golub, LeVeque, "Algorithms for computing the sample variance: analysis and
// recommendations", The American Statistician 37, 1983). At most 53 registers.
//   slice_moments   x once -> partial[slice][mean, m2][C]. Shared memory 9.2 KB (kVector 4), 3 KB (1).
//   finish_moments  merges the slices, lanes side by side -> mean, rstd, running statistics. Some KB from L2. 3 KB.
//   apply           x once, y once; per-channel values stay in registers over a thread's rows.
// Bytes 3 sizeof(Element) an element, of which the second read of x comes from L2 where x fits (50 MB on an H200; a GTX
// 1660 Ti has 1.5); FLOPs about 9. Under 1 FLOP/byte: DRAM-bound on an H200 (turns at 14) and a GTX 1660 Ti (19).
// A map of 64x64x64, N=128, float: 403 MB, 94 us at 4.3 TB/s, 1.4 ms at 288 GB/s.
#pragma once
#include "kernels/batchnorm/formulas.cuh"
#include "kernels/batchnorm/tile.cuh"

namespace gabor::kernels::batchnorm {

// Of `count` numbers a channel. Empty: {}.
template <int kVector>
struct Moments {
  float count;
  float mean[kVector], m2[kVector];

  __device__ __forceinline__ void merge(const Moments& other) {
    if (other.count == 0.0f) return;
    const float all = count + other.count, share = other.count / all, weight = count * share;
    GABOR_UNROLL
    for (int i = 0; i < kVector; ++i) {
      const float delta = other.mean[i] - mean[i];
      mean[i] += delta * share;
      m2[i] +=
          other.m2[i] + delta * (delta * weight);  // in this order 0 weight wins over an overflow of delta^2
    }
    count = all;
  }
};

template <int kRows, int kVector>
__device__ __forceinline__ Moments<kVector> moments_of(const float (&v)[kRows][kVector]) {
  Moments<kVector> m = {};
  m.count = float(kRows);
  GABOR_UNROLL
  for (int i = 0; i < kVector; ++i) {
    float sum = 0.0f;
    GABOR_UNROLL
    for (int row = 0; row < kRows; ++row) sum += v[row][i];
    m.mean[i] = sum * (1.0f / kRows);
    GABOR_UNROLL
    for (int row = 0; row < kRows; ++row) m.m2[i] += (v[row][i] - m.mean[i]) * (v[row][i] - m.mean[i]);
  }
  return m;
}

// partial: slices,2,C. Grid: tiles, slices.
template <class Config, class Element>
__global__ void __launch_bounds__(Config::kThreads)
    slice_moments(TileParams g, const Element* x, float* partial) {
  constexpr int kVector = Config::kVector;
  const Place at = place<Config>(g);
  Moments<kVector> found = {};
  const auto many = [&](const int64_t(&offset)[Config::kRows]) {
    float v[Config::kRows][kVector];
    GABOR_UNROLL
    for (int i = 0; i < Config::kRows; ++i) load_floats(x + offset[i], v[i]);
    found.merge(moments_of(v));
  };
  const auto one = [&](int64_t offset) {
    float v[1][kVector];
    load_floats(x + offset, v[0]);
    found.merge(moments_of(v));
  };
  if (at.works) for_rows<Config>(g, at, many, one);
  found = merged<Config>(g, at, found);
  if (!at.works || at.lane != 0) return;
  float* to = partial + int64_t(blockIdx.y) * 2 * g.C + at.c;
  GABOR_UNROLL
  for (int i = 0; i < kVector; ++i) to[i] = found.mean[i], to[g.C + i] = found.m2[i];
}

// g: of the slices,C matrix of partial results, one slice of it; slice_rows: of x. Grid: tiles.
template <class Config>
__global__ void __launch_bounds__(Config::kThreads)
    finish_moments(TileParams g, StatisticsParams p, int64_t slice_rows, const float* partial) {
  static_assert(Config::kVector == 1);
  const Place at = place<Config>(g);
  Moments<1> found = {};
  for (int64_t slice = at.first; at.works && slice < at.end; slice += g.lanes) {
    const int64_t left = p.rows - slice * slice_rows, count = left < slice_rows ? left : slice_rows;
    const float* from = partial + slice * 2 * g.C + at.c;
    found.merge({float(count), {from[0]}, {from[g.C]}});
  }
  found = merged<Config>(g, at, found);
  if (at.works && at.lane == 0) store_statistics(p, at.c, found.mean[0], found.m2[0]);
}

// Grid: tiles, slices (their number is apply's own).
template <class Config, class Element>
__global__ void __launch_bounds__(Config::kThreads)
    apply_tiled(TileParams g, ApplyParams p, const Element* x, Element* y) {
  constexpr int kVector = Config::kVector;
  const Place at = place<Config>(g);
  if (!at.works) return;
  ChannelMap f[kVector];
  GABOR_UNROLL
  for (int i = 0; i < kVector; ++i) f[i] = channel_map(p, at.c + i);
  const auto map = [&](float(&v)[kVector], int64_t offset) {
    GABOR_UNROLL
    for (int i = 0; i < kVector; ++i) v[i] = f[i](v[i]);
    store_floats(y + offset, v);
  };
  const auto many = [&](const int64_t(&offset)[Config::kRows]) {
    float v[Config::kRows][kVector];
    GABOR_UNROLL
    for (int i = 0; i < Config::kRows; ++i) load_floats(x + offset[i], v[i]);
    GABOR_UNROLL
    for (int i = 0; i < Config::kRows; ++i) map(v[i], offset[i]);
  };
  const auto one = [&](int64_t offset) {
    float v[kVector];
    load_floats(x + offset, v);
    map(v, offset);
  };
  for_rows<Config>(g, at, many, one);
}

}  // namespace gabor::kernels::batchnorm
