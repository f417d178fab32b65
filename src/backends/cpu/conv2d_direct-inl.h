// The register-tiled kernel of the direct convolutions, once per target: a row of outputs, each the sum of
// runs of contiguous inputs times packed filters, with filters across the lanes.
//   y[q, k] = bias[k] + sum over runs, j of x[q x_step + run offset + j] * w[run, j, k]
// Registers hold kColumns outputs times one or two vectors of filters; the inner loop loads a vector of w and
// multiplies it by kColumns broadcast x.
#if defined(GABOR_CPU_CONV2D_DIRECT_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GABOR_CPU_CONV2D_DIRECT_INL_H
#undef GABOR_CPU_CONV2D_DIRECT_INL_H
#else
#define GABOR_CPU_CONV2D_DIRECT_INL_H
#endif

#include <algorithm>

#include "backends/cpu/conv2d_direct.h"
#include "backends/cpu/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gabor::cpu::HWY_NAMESPACE {

// Filters in a tile: a multiple of the lanes; two vectors where that wastes no more than one.
inline int64_t filter_tile_of(int64_t filters) {
  const int64_t L = int64_t(hn::Lanes(hn::ScalableTag<float>()));
  if (filters <= 8 && L > 8) return 8;
  return (filters + L - 1) / L % 2 == 0 ? 2 * L : L;
}

// kColumns outputs from x and y on, V vectors of filters, of which `filters` are stored.
template <int kColumns, int V, class D>
HWY_INLINE void tile(D d, const DirectRow& row, const float* x, const float* w, const float* bias, float* y,
                     int64_t filters) {
  const int64_t L = int64_t(hn::Lanes(d)), x_step = row.x_step;
  hn::Vec<D> sum[kColumns][V];
  for (int t = 0; t < kColumns; t++)
    for (int v = 0; v < V; v++) sum[t][v] = hn::Load(d, bias + v * L);
  for (int64_t run = 0; run < row.runs.count; run++, w += V * L * row.w_skip) {
    const float* from = x + row.runs.offset(run);
    const float* const end = from + row.runs.length;
    for (; from != end; from++, w += V * L) {
      hn::Vec<D> filter[V];
      for (int v = 0; v < V; v++) filter[v] = hn::Load(d, w + v * L);
      for (int t = 0; t < kColumns; t++) {
        const auto value = hn::Set(d, from[t * x_step]);
        for (int v = 0; v < V; v++) sum[t][v] = hn::MulAdd(value, filter[v], sum[t][v]);
      }
    }
  }
  for (int t = 0; t < kColumns; t++)
    for (int v = 0; v < V; v++) {
      const int64_t rest = filters - v * L;
      if (rest >= L)
        hn::StoreU(sum[t][v], d, y + t * row.y_step + v * L);
      else if (rest > 0)
        store_part(sum[t][v], d, y + t * row.y_step + v * L, rest);
    }
}

// All columns of the row in tiles of kColumns <= Q; the last tile starts early enough to be whole, and so
// computes some outputs a second time, to the same value.
template <int kColumns, int V, class D>
void columns(D d, const DirectRow& row) {
  const int64_t L = int64_t(hn::Lanes(d)), width = V * L;
  for (int64_t k = 0; k < row.filters; k += width) {
    const float* w = row.w + k * row.w_taps;
    for (int64_t q = 0; q < row.Q; q += kColumns) {
      const int64_t at = std::min(q, row.Q - kColumns);
      tile<kColumns, V>(d, row, row.x + at * row.x_step, w, row.bias + k, row.y + at * row.y_step + k,
                        std::min(width, row.filters - k));
    }
  }
}

template <int V, class D>
void dispatch_columns(D d, const DirectRow& row) {
  // Sums, filters and broadcast values fit the 32 registers of AVX-512 and NEON, or the 16 of AVX2.
  constexpr bool kMany = HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_NEON;
  constexpr int kMost = V == 2 ? (kMany ? 12 : 6) : (kMany ? 14 : 12);
  // The size that recomputes the fewest columns; the larger of equals.
  int best = 1;
  int64_t cost = row.Q;
  for (int size : {2, 4, 5, 6, 8, 10, 12, 14}) {
    if (size > kMost || size > row.Q) continue;
    const int64_t computed = (row.Q + size - 1) / size * size;
    // Fewer than eight sums in flight leave the FMA units waiting.
    const int64_t scaled = computed * (size * V >= 8 ? 8 : 64 / (size * V));
    if (best == 1 || scaled <= cost) best = size, cost = scaled;
  }
  switch (best) {
    case 1:
      return columns<1, V>(d, row);
    case 2:
      return columns<2, V>(d, row);
    case 4:
      return columns<4, V>(d, row);
    case 5:
      return columns<5, V>(d, row);
    case 6:
      return columns<6, V>(d, row);
    case 8:
      return columns<std::min(8, kMost), V>(d, row);
    case 10:
      return columns<std::min(10, kMost), V>(d, row);
    case 12:
      return columns<std::min(12, kMost), V>(d, row);
    default:
      return columns<std::min(14, kMost), V>(d, row);
  }
}

inline void direct_row(const DirectRow& row, int64_t filter_tile) {
  const hn::ScalableTag<float> d;
  const int64_t L = int64_t(hn::Lanes(d));
  if (filter_tile == 2 * L) return dispatch_columns<2>(d, row);
  if (filter_tile == L) return dispatch_columns<1>(d, row);
  dispatch_columns<1>(hn::CappedTag<float, 8>(), row);
}

}  // namespace gabor::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
