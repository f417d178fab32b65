// Direct convolution, gradient of the filters, NHWC, lanes over K.
//   dw[run, j, k] = sum over n,p,q of x[n, p, q stride C + run offset + j] * dy[n,p,q,k]
// Registers hold up to 15 taps times one vector of filters while a band of dy and x goes by: one load of dy
// and a broadcast x for each tap. Bands (at most 64 KiB of x) keep both in L1/L2, so FMA is the roof. The
// chunks of the batch are cut into a fixed number of parts with a sum each, added up in order: the bits do not
// depend on the number of threads.
#include <algorithm>
#include <cstring>

#include "backends/cpu/chunk_parts.h"
#include "backends/cpu/conv2d_direct.h"
#include "backends/cpu/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/conv2d_direct_wgrad.cpp"
#include "hwy/foreach_target.h"
//
#include "backends/cpu/lanes-inl.h"

#ifndef GABOR_CPU_CONV2D_DIRECT_BAND  // foreach_target.h reads this file once per target
#define GABOR_CPU_CONV2D_DIRECT_BAND
namespace gabor::cpu {
// One band of one group.
struct GradBand {
  const Conv2dProblem& p;
  Runs runs;
  int64_t x_width;  // floats of a row of x
  const float* x;   // first tap of the band's first output
  const float* dy;  // its gradient, first filter of the group
  float* dw;        // filter tiles, then runs and j, then the tile's filters; added to
  float* db;        // padded to whole tiles; added to
  int64_t rows, Q;
};
}  // namespace gabor::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace gabor::cpu::HWY_NAMESPACE {

int64_t GradTile(int64_t filters) {
  const int64_t L = int64_t(hn::Lanes(hn::ScalableTag<float>()));
  return filters <= 8 && L > 8 ? 8 : L;
}

// dw of kTaps taps from x on, for the filters of one vector. With few taps the columns go by in pairs, so
// that enough sums are in flight.
template <int kTaps, bool kPart, class D>
void taps(D d, const GradBand& b, const float* x, const float* dy, float* dw, int64_t filters) {
  constexpr int kPairs = kTaps <= 7 ? 2 : 1;
  const int64_t L = int64_t(hn::Lanes(d)), x_step = b.p.stride_w * b.p.C, K = b.p.K;
  hn::Vec<D> sum[kPairs][kTaps];
  for (auto& part : sum)
    for (auto& s : part) s = hn::Zero(d);
  for (int64_t row = 0; row < b.rows; row++) {
    const float* from = x + row * b.p.stride_h * b.x_width;
    const float* grad = dy + row * b.Q * K;
    int64_t q = 0;
    for (; q + kPairs <= b.Q; q += kPairs)
      for (int u = 0; u < kPairs; u++, from += x_step, grad += K) {
        const auto g = kPart ? load_part(d, grad, filters) : hn::LoadU(d, grad);
        for (int j = 0; j < kTaps; j++) sum[u][j] = hn::MulAdd(hn::Set(d, from[j]), g, sum[u][j]);
      }
    for (; q < b.Q; q++, from += x_step, grad += K) {
      const auto g = kPart ? load_part(d, grad, filters) : hn::LoadU(d, grad);
      for (int j = 0; j < kTaps; j++) sum[0][j] = hn::MulAdd(hn::Set(d, from[j]), g, sum[0][j]);
    }
  }
  for (int j = 0; j < kTaps; j++) {
    auto total = sum[0][j];
    if constexpr (kPairs == 2) total = hn::Add(total, sum[1][j]);
    hn::Store(hn::Add(total, hn::Load(d, dw + j * L)), d, dw + j * L);
  }
}

template <bool kPart, class D>
void run_of_taps(D d, const GradBand& b, const float* x, const float* dy, float* dw, int64_t filters) {
  constexpr int64_t kMost = HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_NEON ? 15 : 12;
  for (int64_t left = b.runs.length; left > 0;) {
    // Even shares, of a size that exists.
    const int64_t shares = (left + kMost - 1) / kMost, want = (left + shares - 1) / shares;
    int64_t n = 1;
    for (int64_t size : {2, 3, 4, 5, 6, 8, 9, 10, 12, 15})
      if (size <= want) n = size;
    switch (n) {
      case 1:
        taps<1, kPart>(d, b, x, dy, dw, filters);
        break;
      case 2:
        taps<2, kPart>(d, b, x, dy, dw, filters);
        break;
      case 3:
        taps<3, kPart>(d, b, x, dy, dw, filters);
        break;
      case 4:
        taps<4, kPart>(d, b, x, dy, dw, filters);
        break;
      case 5:
        taps<5, kPart>(d, b, x, dy, dw, filters);
        break;
      case 6:
        taps<6, kPart>(d, b, x, dy, dw, filters);
        break;
      case 8:
        taps<8, kPart>(d, b, x, dy, dw, filters);
        break;
      case 9:
        taps<9, kPart>(d, b, x, dy, dw, filters);
        break;
      case 10:
        taps<10, kPart>(d, b, x, dy, dw, filters);
        break;
      case 12:
        taps<12, kPart>(d, b, x, dy, dw, filters);
        break;
      default:
        taps<15, kPart>(d, b, x, dy, dw, filters);
        break;
    }
    x += n, dw += n * int64_t(hn::Lanes(d)), left -= n;
  }
}

// Adds the sum of dy's columns to db; whether it is finite, and with it each dy.
template <bool kPart, class D>
bool column_sum(D d, const GradBand& b, const float* dy, float* db, int64_t filters) {
  auto even = hn::Zero(d), odd = hn::Zero(d);
  const int64_t n = b.rows * b.Q;
  const auto load = [&](int64_t i) HWY_ATTR {
    if constexpr (kPart) return load_part(d, dy + i * b.p.K, filters);
    return hn::LoadU(d, dy + i * b.p.K);
  };
  int64_t i = 0;
  for (; i + 2 <= n; i += 2) even = hn::Add(even, load(i)), odd = hn::Add(odd, load(i + 1));
  if (i < n) even = hn::Add(even, load(i));
  const auto sum = hn::Add(even, odd);
  hn::Store(hn::Add(hn::Load(d, db), sum), d, db);
  return hn::AllTrue(d, hn::IsFinite(sum));
}

template <bool kPart, class D>
void filter_tile(D d, const GradBand& b, int64_t k, int64_t filters) {
  const int64_t L = int64_t(hn::Lanes(d));
  float* dw = b.dw + k * b.runs.count * b.runs.length;
  for (int64_t run = 0; run < b.runs.count; run++, dw += b.runs.length * L)
    run_of_taps<kPart>(d, b, b.x + b.runs.offset(run), b.dy + k, dw, filters);
}

template <class D>
void all_filters(D d, const GradBand& b) {
  const int64_t L = int64_t(hn::Lanes(d)), filters = b.p.K / b.p.groups;
  int64_t k = 0;
  for (; k + L <= filters; k += L) filter_tile<false>(d, b, k, L);
  if (k < filters) filter_tile<true>(d, b, k, filters - k);
}

template <class D>
bool all_columns(D d, const GradBand& b) {
  const int64_t L = int64_t(hn::Lanes(d)), filters = b.p.K / b.p.groups;
  bool finite = true;
  int64_t k = 0;
  for (; k + L <= filters; k += L) finite &= column_sum<false>(d, b, b.dy + k, b.db + k, L);
  if (k < filters) finite &= column_sum<true>(d, b, b.dy + k, b.db + k, filters - k);
  return finite;
}

void FilterGrad(const GradBand& b, int64_t tile) {
  const hn::ScalableTag<float> d;
  if (tile == int64_t(hn::Lanes(d))) return all_filters(d, b);
  all_filters(hn::CappedTag<float, 8>(), b);
}

bool BiasGrad(const GradBand& b, int64_t tile) {
  const hn::ScalableTag<float> d;
  if (tile == int64_t(hn::Lanes(d))) return all_columns(d, b);
  return all_columns(hn::CappedTag<float, 8>(), b);
}

}  // namespace gabor::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gabor::cpu {
namespace {

HWY_EXPORT(GradTile);
HWY_EXPORT(FilterGrad);
HWY_EXPORT(BiasGrad);

// Of the workspace, in floats: a sum of dw and db for each part, then a scratch for each thread.
struct Layout {
  ChunkParts parts;
  int64_t tile, padded_filters, taps, db, part, scratch_each, total;
};
Layout layout_of(const Conv2dProblem& p, const Bands& bands) {
  Layout l;
  l.parts = {.images = p.N, .items = bands.per_image, .most = 8};
  l.tile = HWY_DYNAMIC_DISPATCH(GradTile)(p.K / p.groups);
  l.padded_filters = (p.K / p.groups + l.tile - 1) / l.tile * l.tile;
  l.taps = p.R * p.S * (p.C / p.groups);
  l.db = whole_lines(p.groups * l.padded_filters * l.taps);
  l.part = l.db + whole_lines(p.groups * l.padded_filters);
  l.scratch_each = whole_lines(bands.scratch());
  l.total = l.parts.count() * l.part + l.scratch_each * max_threads();
  return l;
}

// FilterGrad in plain loops that leave the padding out: for a dy with infinite or NaN elements, which zeros
// copied in as padding would turn into NaN at taps that never met them. x is the image, b.x is not used.
void careful_filter_grad(const GradBand& b, const float* x, int64_t first_row, int64_t tile) {
  const Conv2dProblem& p = b.p;
  const int64_t C = p.C / p.groups, taps = p.R * p.S * C;
  for (int64_t row = 0; row < b.rows; row++)
    for (int64_t q = 0; q < b.Q; q++)
      for (int64_t tap = 0; tap < taps; tap++) {
        const int64_t h = (first_row + row) * p.stride_h - p.pad.top + tap / (p.S * C) * p.dil_h;
        const int64_t w = q * p.stride_w - p.pad.left + tap / C % p.S * p.dil_w;
        if (h < 0 || h >= p.H || w < 0 || w >= p.W) continue;
        for (int64_t k = 0; k < p.K / p.groups; k++)
          b.dw[(k / tile * taps + tap) * tile + k % tile] +=
              x[(h * p.W + w) * p.C + tap % C] * b.dy[(row * b.Q + q) * p.K + k];
      }
}

// The sums of all parts; kChunksAtOnce chunks at most.
void sum_parts(const Conv2dProblem& p, const Bands& bands, const Layout& l, const float* x, const float* dy,
               float* sums) {
  const Runs runs = runs_of(p, bands.x_width);
  const int64_t P = p.P(), Q = p.Q(), K = p.K / p.groups, C = p.C / p.groups;
  const auto add_band = [&](int64_t n, int64_t first, float* sum, float* scratch) {
    const int64_t rows = std::min(bands.rows, P - first);
    const float* from = band_input(p, bands, x, n, first, rows, scratch);
    for (int64_t g = 0; g < p.groups; g++) {
      const GradBand band{.p = p,
                          .runs = runs,
                          .x_width = bands.x_width,
                          .x = from + g * C,
                          .dy = dy + ((n * P + first) * Q) * p.K + g * K,
                          .dw = sum + g * l.padded_filters * l.taps,
                          .db = sum + l.db + g * l.padded_filters,
                          .rows = rows,
                          .Q = Q};
      const bool finite = HWY_DYNAMIC_DISPATCH(BiasGrad)(band, l.tile);
      if (finite || !bands.copied)
        HWY_DYNAMIC_DISPATCH(FilterGrad)(band, l.tile);
      else
        careful_filter_grad(band, x + n * p.H * p.W * p.C + g * C, first, l.tile);
    }
  };
  parallel_ranges(
      l.parts.count(),
      [&](int64_t begin, int64_t end, int thread) {
        float* scratch = sums + l.parts.count() * l.part + thread * l.scratch_each;
        for (int64_t number = begin; number < end; number++) {
          float* sum = sums + number * l.part;
          std::fill_n(sum, l.part, 0.0f);
          const ChunkParts::Part part = l.parts.part(number);
          for (int64_t i = part.begin; i < part.end; i++)
            add_band(i / bands.per_image, i % bands.per_image * bands.rows, sum, scratch);
        }
      },
      threads_for(p.flops() / kFlopsPerElement));
}

// dw and db from the sums of the parts, chunk by chunk.
void reduce_parts(const Conv2dProblem& p, const Layout& l, float* sums, float* dw, float* db,
                  bool accumulate) {
  const int64_t chunks_here = l.parts.chunks(), K = p.K / p.groups;
  chunks(l.part, [&](int64_t i, int64_t end) {
    for (int64_t chunk = 0; chunk < chunks_here; chunk++) {
      float* total = sums + l.parts.first(chunk) * l.part;
      for (int64_t part = 1; part < l.parts.of(chunk); part++)
        add(total + i, total + part * l.part + i, total + i, end - i);
    }
  });
  const auto add_chunks = [&](int64_t at, float& to) {
    for (int64_t chunk = 0; chunk < chunks_here; chunk++)
      to = (accumulate || chunk > 0 ? to : 0) + sums[l.parts.first(chunk) * l.part + at];
  };
  parallel_for(
      p.K,
      [&](int64_t k) {
        const int64_t g = k / K, kk = k % K;
        const float* filter_end = dw + (k + 1) * l.taps;
        int64_t at = (g * l.padded_filters + kk / l.tile * l.tile) * l.taps + kk % l.tile;
        for (float* to = dw + k * l.taps; to != filter_end; to++, at += l.tile) add_chunks(at, *to);
        if (db) add_chunks(l.db + g * l.padded_filters + kk, db[k]);
      },
      std::max<int64_t>(1, kGrain / (l.taps * chunks_here)));
}

}  // namespace

size_t direct_wgrad_workspace(const Conv2dProblem& p) {
  const Conv2dProblem some = with_images(p, std::min(p.N, kChunksAtOnce * kBatchChunk));
  return size_t(layout_of(some, bands_of(some)).total) * sizeof(float);
}

void direct_wgrad(const Conv2dProblem& p, const float* x, const float* dy, float* dw, float* db,
                  bool accumulate, void* workspace) {
  auto* sums = static_cast<float*>(workspace);
  const Bands bands = bands_of(p);
  for_batch_chunks(
      p,
      [&](const Conv2dProblem& some, int64_t first) {
        const Layout l = layout_of(some, bands);
        sum_parts(some, bands, l, x + first * (p.H * p.W * p.C), dy + first * (p.P() * p.Q() * p.K), sums);
        reduce_parts(some, l, sums, dw, db, accumulate || first > 0);
      },
      kChunksAtOnce);
}

}  // namespace gabor::cpu
#endif
