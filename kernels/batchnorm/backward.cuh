// Batch normalisation, rung 2, backward. Formulas: formulas.cuh; who owns what: tile.cuh.
//
// x, dy, dx: rows,C, aligned to kVector elements, of which C is a multiple; the others C floats. Its one idea is that
// of the forward: slices of rows, whose sums meet in a second kernel in a fixed order.
//   slice_gradients   x and dy once -> partial[slice][dgamma, dbeta][C]. Shared memory 8 KB (kVector 4), 2 KB (1).
//   finish_gradients  adds up the slices, lanes side by side -> dgamma, dbeta, and the same divided by rows for:
//   input_gradient    x and dy once more, dx once (and once more to add to it). 79 registers; the others at most 64.
// Bytes 5 sizeof(Element) an element, less what of x and dy is still in L2; FLOPs about 12. Under 1 FLOP/byte:
// DRAM-bound on an H200 (turns at 14) and a GTX 1660 Ti (19). A map of 64x64x64, N=128, float: 671 MB, 156 us at
// 4.3 TB/s, 2.3 ms at 288 GB/s.
#pragma once
#include "kernels/batchnorm/formulas.cuh"
#include "kernels/batchnorm/tile.cuh"

namespace gabor::kernels::batchnorm {

// Empty: {}.
template <int kVector>
struct GradientSums {
  float dgamma[kVector], dbeta[kVector];

  __device__ __forceinline__ void merge(const GradientSums& other) {
    GABOR_UNROLL
    for (int i = 0; i < kVector; ++i) dgamma[i] += other.dgamma[i], dbeta[i] += other.dbeta[i];
  }
};

// partial: slices,2,C. Grid: tiles, slices.
template <class Config, class Element>
__global__ void __launch_bounds__(Config::kThreads)
    slice_gradients(TileParams g, const float* mean, const float* rstd, const Element* x, const Element* dy,
                    float* partial) {
  constexpr int kVector = Config::kVector;
  const Place at = place<Config>(g);
  float m[kVector] = {}, r[kVector] = {};
  GABOR_UNROLL
  for (int i = 0; i < kVector; ++i)
    if (at.works) m[i] = mean[at.c + i], r[i] = rstd[at.c + i];
  GradientSums<kVector> found = {};
  const auto add = [&](const float(&v)[kVector], const float(&d)[kVector]) {
    GABOR_UNROLL
    for (int i = 0; i < kVector; ++i) {
      found.dgamma[i] += d[i] * ((v[i] - m[i]) * r[i]);
      found.dbeta[i] += d[i];
    }
  };
  const auto many = [&](const int64_t(&offset)[Config::kRows]) {
    float v[Config::kRows][kVector], d[Config::kRows][kVector];
    GABOR_UNROLL
    for (int i = 0; i < Config::kRows; ++i)
      load_floats(x + offset[i], v[i]), load_floats(dy + offset[i], d[i]);
    GABOR_UNROLL
    for (int i = 0; i < Config::kRows; ++i) add(v[i], d[i]);
  };
  const auto one = [&](int64_t offset) {
    float v[kVector], d[kVector];
    load_floats(x + offset, v), load_floats(dy + offset, d);
    add(v, d);
  };
  if (at.works) for_rows<Config>(g, at, many, one);
  found = merged<Config>(g, at, found);
  if (!at.works || at.lane != 0) return;
  float* to = partial + int64_t(blockIdx.y) * 2 * g.C + at.c;
  GABOR_UNROLL
  for (int i = 0; i < kVector; ++i) to[i] = found.dgamma[i], to[g.C + i] = found.dbeta[i];
}

// g: of the slices,C matrix of partial sums, one slice of it. Grid: tiles.
template <class Config>
__global__ void __launch_bounds__(Config::kThreads)
    finish_gradients(TileParams g, ParameterGradients p, const float* partial) {
  static_assert(Config::kVector == 1);
  const Place at = place<Config>(g);
  GradientSums<1> found = {};
  for (int64_t slice = at.first; at.works && slice < at.end; slice += g.lanes) {
    const float* from = partial + slice * 2 * g.C + at.c;
    found.merge({{from[0]}, {from[g.C]}});
  }
  found = merged<Config>(g, at, found);
  if (at.works && at.lane == 0) store_gradients(p, at.c, found.dgamma[0], found.dbeta[0]);
}

// Grid: tiles, slices (their number is its own).
template <class Config, class Element>
__global__ void __launch_bounds__(Config::kThreads)
    input_gradient_tiled(TileParams g, InputGradientParams p, const Element* x, const Element* dy,
                         Element* dx, bool accumulate) {
  constexpr int kVector = Config::kVector;
  const Place at = place<Config>(g);
  if (!at.works) return;
  ChannelGradient f[kVector];
  GABOR_UNROLL
  for (int i = 0; i < kVector; ++i) f[i] = channel_gradient(p, at.c + i);
  const auto map = [&](const float(&v)[kVector], float(&d)[kVector], int64_t offset) {
    float old[kVector] = {};
    if (accumulate) load_floats(dx + offset, old);
    GABOR_UNROLL
    for (int i = 0; i < kVector; ++i) d[i] = accumulate ? old[i] + f[i](v[i], d[i]) : f[i](v[i], d[i]);
    store_floats(dx + offset, d);
  };
  const auto many = [&](const int64_t(&offset)[Config::kRows]) {
    float v[Config::kRows][kVector], d[Config::kRows][kVector];
    GABOR_UNROLL
    for (int i = 0; i < Config::kRows; ++i)
      load_floats(x + offset[i], v[i]), load_floats(dy + offset[i], d[i]);
    GABOR_UNROLL
    for (int i = 0; i < Config::kRows; ++i) map(v[i], d[i], offset[i]);
  };
  const auto one = [&](int64_t offset) {
    float v[kVector], d[kVector];
    load_floats(x + offset, v), load_floats(dy + offset, d);
    map(v, d, offset);
  };
  for_rows<Config>(g, at, many, one);
}

}  // namespace gabor::kernels::batchnorm
