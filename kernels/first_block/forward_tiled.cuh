// Fused first block forward, rung 1. Formula, shapes, types and arg-max: naive.cuh, first_block.h; the convolution has
// stride 1 and no dilation. Its ideas: (1) a thread keeps two neighbouring pooling windows, 2x4 outputs of the
// convolution, times kFilters filters in registers, so that 2 (kRun + 3) pixels and kFilters weights from shared memory
// serve 8 kRun kFilters products, and pooling happens in registers; (2) each pixel is normalised once, on its way into
// shared memory; (3) columns of the image tile are dealt to four planes by column mod 4, so that neighbouring threads,
// four columns apart, read neighbouring words.
// A block owns kRows x 2 kLanes pooled pixels of one image, and loops over the filters; a warp 32 / kLanes rows.
// kRun is the width of the filters, unrolled, or 1: any width up to kMostS, its taps one at a time.
// Shared memory (dynamic): the image tile, C times 2 kRows + R - 1 rows of kPlanes kPlanePitch floats; the taps of
// kFilters filters. Article (C = 3, 5x5, K = 10; kLanes 16, kFilters 10, kRun 5): 17.3 + 3.6 KB; at most 168 registers,
// 3 blocks at once; of 8 filters 128 and 4.
// Alignment: y to 2 elements. Products with the padding's zeros are made: an Inf in w gives NaN there.
// FLOPs: 8 P Q K R S C an image. Bytes: x 1.3 times (halos, from L2), y and K/2 bytes of arg-max a pixel once: article,
// N = 128: 16.8 GFLOP and 0.17 GB. The 80 FFMA of a tap come with 3 loads of weights and 3.2 of pixels, some 13 cycles
// of the shared memory of a multiprocessor for 20 of an H200's four schedulers, 40 of a GTX 1660 Ti's: FFMA-bound on
// both. The article's 148 x 148 map fills 90% of its tiles: 0.28 and 3.4 ms at full rate; the loop over taps is 89%
// FFMA.
#pragma once
#include "kernels/common/pack.h"
#include "kernels/common/unroll.cuh"
#include "kernels/first_block/params.cuh"

namespace gabor::kernels::first_block {

inline constexpr int kQuad = 4;  // floats of a 128-bit load

template <int kLanes_, int kFilters_, int kRun_>
struct ForwardConfig {
  static constexpr int kThreads = 128, kWarps = kThreads / 32;
  static constexpr int kLanes = kLanes_, kRows = kThreads / kLanes;  // threads across and down the tile
  static constexpr int kFilters = kFilters_, kRun = kRun_;
  static constexpr int kWide = 2;                      // pooled pixels of a thread, side by side
  static constexpr int kPlanes = 2 * kWide;            // columns of the convolution from thread to thread
  static constexpr int kTileColumns = kWide * kLanes;  // pooled
  // Rows of pixels, two apart from one pooled row to the next, have to fall on different banks within a warp.
  static constexpr int kPlanePitch = kLanes == 16 ? 18 : 11;
  static constexpr int kMostS = kPlanes * (kPlanePitch - kLanes) + 1;
  static constexpr int kQuads = (kFilters + kQuad - 1) / kQuad, kFilterPitch = kQuads * kQuad;
  using Sums = float[2 * kPlanes][kFilters];  // of 2 rows of kPlanes columns of the full-size map
  static constexpr int kBlocksAtOnce = kFilters > 8 ? 3 : 4;  // 65536 registers
  static_assert(kFilters % 2 == 0, "a byte of the arg-max has two filters");
  static_assert(kLanes == 16 || kLanes == 8);
  static_assert(2 * kPlanes * kPlanePitch % 32 == (kLanes == 16 ? 16 : 24));
  static_assert(kRun <= kMostS);
};

struct ForwardParams {
  Params block;
  int32_t tiles_p, tiles_q;
  int32_t rows, columns;  // of the image tile
};

// The winner of filter f in window i of those that a thread has side by side.
template <class Config>
__device__ __forceinline__ Winner pool(const typename Config::Sums& sum, int i, int f) {
  const int above = 2 * i, below = Config::kPlanes + 2 * i;
  Winner best{sum[above][f], 0};
  best.challenge(sum[above + 1][f], 1);
  best.challenge(sum[below][f], 2);
  best.challenge(sum[below + 1][f], 3);
  return best;
}

// Outputs in the second row or column of a window that lie outside the map never win.
template <class Config>
__device__ __forceinline__ void drop_outside(const Params& g, int32_t p, int32_t q,
                                             typename Config::Sums& sum) {
  constexpr int kPlanes = Config::kPlanes;
  const bool no_row = 2 * p + 1 >= g.full_P, no_column = 2 * q + kPlanes > g.full_Q;
  if (!no_row && !no_column) return;
  GABOR_UNROLL
  for (int i = 0; i < 2 * kPlanes; ++i) {
    if (2 * p + i / kPlanes < g.full_P && 2 * q + i % kPlanes < g.full_Q) continue;
    GABOR_UNROLL
    for (int f = 0; f < Config::kFilters; ++f) sum[i][f] = -INFINITY;
  }
}

// The taps of kFilters filters from first_k on, as [r,s,c][filter]; zeros for filters that are not there.
template <class Config, class Element>
__device__ void load_filters(const Params& g, const Element* w, int32_t first_k, float* filters) {
  for (int32_t tap = int32_t(threadIdx.x); tap < g.taps(); tap += Config::kThreads) {
    float v[Config::kFilterPitch];
    GABOR_UNROLL
    for (int f = 0; f < Config::kFilterPitch; ++f) {
      const bool there = f < Config::kFilters && first_k + f < g.K;
      v[f] = there ? simt::to_float(w[int64_t(first_k + f) * g.taps() + tap]) : 0.0f;
    }
    GABOR_UNROLL
    for (int f = 0; f < Config::kFilterPitch; ++f) filters[tap * Config::kFilterPitch + f] = v[f];
  }
}

// Adds the products of all taps; corner: the thread's first pixel, in plane 0 of channel 0.
template <class Config>
__device__ __forceinline__ void convolve(const ForwardParams& a, const float* corner, const float* filters,
                                         typename Config::Sums& sum) {
  const Params& g = a.block;
  constexpr int kPlanes = Config::kPlanes, kRun = Config::kRun, kReach = kRun + kPlanes - 1;
  const int32_t S = kRun > 1 ? kRun : g.S;  // known to the compiler: one turn of the innermost loop
  const int32_t row_pitch = kPlanes * Config::kPlanePitch, channel_pitch = a.rows * row_pitch;
  for (int32_t r = 0; r < g.R; ++r)
    for (int32_t c = 0; c < g.C; ++c)
      for (int32_t s = 0; s < S; s += kRun) {
        float v[2][kReach];
        GABOR_UNROLL
        for (int i = 0; i < 2 * kReach; ++i) {
          const int row = i / kReach, column = s + i % kReach;
          v[row][i % kReach] = corner[c * channel_pitch + (r + row) * row_pitch +
                                      column % kPlanes * Config::kPlanePitch + column / kPlanes];
        }
        GABOR_UNROLL
        for (int j = 0; j < kRun; ++j) {
          const float* tap = filters + ((r * S + s + j) * g.C + c) * Config::kFilterPitch;
          float w[Config::kQuads][kQuad];
          GABOR_UNROLL
          for (int i = 0; i < Config::kQuads; ++i) load_floats(tap + i * kQuad, w[i]);
          GABOR_UNROLL
          for (int i = 0; i < 2 * kPlanes; ++i) {
            GABOR_UNROLL
            for (int f = 0; f < Config::kFilters; ++f)
              sum[i][f] += v[i / kPlanes][j + i % kPlanes] * w[f / kQuad][f % kQuad];
          }
        }
      }
}

// argmax may be null.
template <class Config, class Element>
__global__ void __launch_bounds__(Config::kThreads, Config::kBlocksAtOnce)
    forward_tiled(ForwardParams a, const void* x, const Element* w, const float* b, Element* y,
                  uint8_t* argmax) {
  constexpr int kPlanes = Config::kPlanes, kPlanePitch = Config::kPlanePitch, kFilters = Config::kFilters;
  const Params& g = a.block;
  DYN_SHARED(float, image);
  float* filters = image + g.C * a.rows * kPlanes * kPlanePitch;
  const int32_t tile = int32_t(blockIdx.x), tile_q = tile % a.tiles_q, tile_p = tile / a.tiles_q % a.tiles_p;
  const int32_t n = tile / a.tiles_q / a.tiles_p;
  const int32_t first_p = tile_p * Config::kRows, first_q = tile_q * Config::kTileColumns;
  const ImageTile pixels{2 * first_p - g.pad_top, 2 * first_q - g.pad_left, a.rows, a.columns,
                         kPlanes * kPlanePitch};
  fill_tile<Config::kWarps>(g, x, n, pixels, [&](int32_t column, int32_t c) {
    const uint32_t at = uint32_t(column);
    return image + c * a.rows * pixels.row_pitch + int32_t(at % kPlanes * kPlanePitch + at / kPlanes);
  });

  const int32_t down = int32_t(threadIdx.x) / Config::kLanes, across = int32_t(threadIdx.x) % Config::kLanes;
  const int32_t p = first_p + down, q = first_q + Config::kWide * across;
  const bool works = p < g.P && q < g.Q;
  for (int32_t first_k = 0; first_k < g.K; first_k += kFilters) {
    if (first_k > 0) __syncthreads();  // the last filters are no longer read
    load_filters<Config>(g, w, first_k, filters);
    __syncthreads();
    if (!works) continue;

    typename Config::Sums sum;
    GABOR_UNROLL
    for (int f = 0; f < kFilters; ++f) {
      const float bias = b && first_k + f < g.K ? b[first_k + f] : 0.0f;
      GABOR_UNROLL
      for (int i = 0; i < 2 * kPlanes; ++i) sum[i][f] = bias;
    }
    convolve<Config>(a, image + 2 * down * kPlanes * kPlanePitch + across, filters, sum);

    drop_outside<Config>(g, p, q, sum);
    GABOR_UNROLL
    for (int i = 0; i < Config::kWide; ++i) {
      if (q + i >= g.Q) continue;
      const int64_t pixel = (int64_t{n} * g.P + p) * g.Q + q + i;
      Element* to = y + pixel * g.K + first_k;
      uint8_t* codes = argmax ? argmax + pixel * g.filter_pairs() + first_k / 2 : nullptr;
      GABOR_UNROLL
      for (int f = 0; f < kFilters; f += 2) {
        if (first_k + f >= g.K) continue;
        const Winner even = pool<Config>(sum, i, f), odd = pool<Config>(sum, i, f + 1);
        const bool pair = first_k + f + 1 < g.K;
        if (g.K % 2 == 0) {
          store_floats(to + f, {even.relu(), odd.relu()});
        } else {
          to[f] = simt::from_float<Element>(even.relu());
          if (pair) to[f + 1] = simt::from_float<Element>(odd.relu());
        }
        if (codes) codes[f / 2] = uint8_t(even.code() | (pair ? odd.code() << 4 : 0));
      }
    }
  }
}

}  // namespace gabor::kernels::first_block
