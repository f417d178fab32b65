// Fused first block forward, rung 2: tensor cores (sm_80), in the precision of float. Formula, shapes, types and arg-max:
// naive.cuh, first_block.h; u8 images that whole_pixels.h takes; stride 1, no dilation, R = kR, at most 16 taps a row.
// Its ideas: (1) pixels are whole numbers of 8 bits, which half holds exactly, and a weight is the sum of two halves,
// scaled by a power of two a filter, to 2^-24 of itself (2^-40 of the filter's largest): so two products of mma.sync, whose
// sums are float, are as good as one of FFMA; (2) a row of a filter is S C neighbours of the image's row, up to 16: a step
// of m16n8k16 with nothing rearranged; (3) A is the filters, which stay in registers, B the pixels, so that a thread gets
// two neighbouring columns of two rows of the full-size map, a pooling window, of 2 filters.
// A block owns block_tiles tiles of kWarps x tile_columns pooled pixels and 16 filters (blockIdx.y); a warp one pooled row
// of a tile, 4 pooled pixels at a time: B from kR + 1 rows serves both rows of the full-size map.
// B's registers are pairs of neighbours that start at any pixel, also at odd elements: for those the image tile is there a
// second time, moved by one element, and 16 banks away: no bank conflicts.
// Shared memory: two tiles of 2 kWarps + kR - 1 rows of half (dynamic), 5 KB of weights: article (C = 3, 5x5, two tiles of
// 76 columns a row): 37 KB and 5. At most 128 registers, 2 blocks at once.
// FLOPs: of the 16 x 16 x kR that a pixel of the full-size map costs twice, the article uses 10 x 15 x 5: 16.8 GFLOP at
// N = 128 become 57. Bytes: x 1.3 times (halos, from L2), y and K/2 bytes of arg-max a pixel once: 0.17 GB, 0.06 ms on an
// H100; 14 M mma.sync, one in 1.6 cycles of a multiprocessor: 0.1 ms there. Measured there: 0.29 ms, 46 % of all issue slots
// used, most of them for pooling, stores and filling the tiles; forward_tiled.cuh takes 0.67.
// A filter that has an Inf or NaN gives NaN everywhere.
#pragma once
#include "kernels/common/multiply_add.cuh"
#include "kernels/common/unroll.cuh"
#include "kernels/first_block/params.cuh"
#include "kernels/first_block/whole_pixels.h"
#include "kernels/simt/half_pair.h"

namespace gabor::kernels::first_block {

template <int kR_>
struct ForwardTensorConfig {
  static constexpr int kThreads = 256, kWarps = kThreads / 32, kBlocksAtOnce = 2;
  static constexpr int kR = kR_, kRowTaps = 16, kFilters = 16;
  static constexpr int kTileRows = kWarps, kImageRows = 2 * kTileRows + kR - 1;
  static constexpr int kAtOnce = 4;  // pooled pixels of a warp
};

struct ForwardTensorParams {
  Params block;
  WholePixels pixels;
  int32_t tiles_p, tiles_q, tiles, block_tiles;
  int32_t tile_columns;          // pooled, a multiple of 4
  int32_t row_words, odd_words;  // of the image tile: from row to row, from the first copy to the second
  bool in_words;                 // the image can be read in aligned groups of 4 bytes
};

// Five elements from `at` of a row of the image as whole numbers, 0 outside; row: null if the row lies outside.
__device__ __forceinline__ void load_whole(const ForwardTensorParams& a, const uint8_t* row, int32_t at,
                                           float (&v)[5]) {
  const int32_t length = a.block.W * a.block.C;
  if (row && at >= 0 && at + 5 <= length && a.in_words) {
    const auto word = simt::load<uchar4>(row + at);
    const uint8_t bytes[] = {word.x, word.y, word.z, word.w, row[at + 4]};
    GABOR_UNROLL
    for (int i = 0; i < 5; ++i) v[i] = fmaf(float(bytes[i]), a.pixels.factor, a.pixels.offset);
    return;
  }
#pragma unroll 1  // a few at the edges, or of images that cannot be read in words
  for (int i = 0; i < 5; ++i) {
    const bool there = row && uint32_t(at + i) < uint32_t(length);
    const float value = there ? fmaf(float(row[at + i]), a.pixels.factor, a.pixels.offset) : 0.0f;
    GABOR_UNROLL
    for (int to = 0; to < 5; ++to)  // for an index would put v in memory
      if (to == i) v[to] = value;
  }
}

// Both copies of a tile whose first pixel is h, w of image n.
template <class Config>
__device__ __forceinline__ void fill_whole(const ForwardTensorParams& a, const uint8_t* x, int32_t n,
                                           int32_t h, int32_t w, uint32_t* image) {
  const Params& g = a.block;
  const int32_t warp = int32_t(threadIdx.x) / 32, lane = int32_t(threadIdx.x) % 32;
  for (int32_t i = warp; i < Config::kImageRows; i += Config::kWarps) {
    const bool inside = uint32_t(h + i) < uint32_t(g.H);
    const uint8_t* row = inside ? x + (int64_t{n} * g.H + h + i) * g.W * g.C : nullptr;
    uint32_t* to = image + i * a.row_words;
    for (int32_t j = 2 * lane; j < a.row_words; j += 64) {  // two words
      float v[5];
      load_whole(a, row, w * g.C + 2 * j, v);
      simt::store(to + j, uint2{simt::half_pair(v[0], v[1]), simt::half_pair(v[2], v[3])});
      simt::store(to + a.odd_words + j, uint2{simt::half_pair(v[1], v[2]), simt::half_pair(v[3], v[4])});
    }
  }
}

// filters[filter][r][tap of the row] = the weights of whole pixels, zeros beyond.
template <class Config, class Element>
__device__ __forceinline__ void load_whole_filters(const ForwardTensorParams& a, const Element* w,
                                                   int32_t first_k, float* filters) {
  const Params& g = a.block;
  constexpr int kOfFilter = Config::kR * Config::kRowTaps;
  for (int32_t i = int32_t(threadIdx.x); i < Config::kFilters * kOfFilter; i += Config::kThreads) {
    const int32_t k = first_k + i / kOfFilter, r = i % kOfFilter / Config::kRowTaps,
                  tap = i % Config::kRowTaps;
    const bool there = k < g.K && tap < g.S * g.C;
    filters[i] = there ? simt::to_float(w[(int64_t{k} * g.R + r) * g.S * g.C + tap]) *
                             of_channel(a.pixels.unit, tap % g.C)
                       : 0.0f;
  }
}

// A's fragments of a thread: filter g in registers 0 and 2, g + 8 in 1 and 3; a weight is high + low, over 2^-scale.
template <class Config>
struct FilterFragments {
  uint32_t high[Config::kR][4], low[Config::kR][4];
  float unscale[2], bias[2];  // of filters g and g + 8

  // filters: of load_whole_filters. t: lane % 4.
  __device__ __forceinline__ void load(const ForwardTensorParams& a, const float* filters, const float* b,
                                       int32_t first_k, int32_t g, int32_t t) {
    constexpr int kOfFilter = Config::kR * Config::kRowTaps;
    float scale[2];
    GABOR_UNROLL
    for (int f = 0; f < 2; ++f) {
      const float* of_filter = filters + (g + 8 * f) * kOfFilter;
      float most = 0.0f,
            rest = 0.0f;  // of the taps that this lane looks at: every fourth; those of channel t
      for (int32_t i = t; i < kOfFilter; i += 4) most = fmaxf(most, fabsf(of_filter[i]));
      if (t < a.block.C) {
        const float share = of_channel(a.pixels.rest, t) / of_channel(a.pixels.unit, t);
        for (int32_t r = 0; r < kOfFilter; r += Config::kRowTaps)
          for (int32_t tap = t; tap < a.block.S * a.block.C; tap += a.block.C)
            rest += of_filter[r + tap] * share;
      }
      for (int step = 1; step < 4; step *= 2) {
        most = fmaxf(most, __shfl_xor_sync(simt::kFullMask, most, step));
        rest += __shfl_xor_sync(simt::kFullMask, rest, step);
      }
      // The largest becomes 2^13 to 2^14. One that is 0, infinite or close to either stays as it is.
      const int32_t exponent = int32_t(__float_as_uint(most) >> 23), up = 127 + 13 - exponent;
      const bool usual = exponent >= 14 && exponent <= 254;
      scale[f] = usual ? __uint_as_float(uint32_t(127 + up) << 23) : 1.0f;
      unscale[f] = usual ? __uint_as_float(uint32_t(127 - up) << 23) : 1.0f;
      const int32_t k = first_k + g + 8 * f;
      bias[f] = rest + (b && k < a.block.K ? b[k] : 0.0f);
    }
    GABOR_UNROLL
    for (int r = 0; r < Config::kR; ++r) {
      GABOR_UNROLL
      for (int i = 0; i < 4; ++i) {
        const int f = i % 2;
        const float* pair = filters + (g + 8 * f) * kOfFilter + r * Config::kRowTaps + 2 * t + i / 2 * 8;
        float lower[2];
        GABOR_UNROLL
        for (int j = 0; j < 2; ++j) {
          const float v = pair[j] * scale[f];
          lower[j] = v - simt::to_float(simt::from_float<simt::half>(v));  // NaN if v is infinite
        }
        high[r][i] = simt::half_pair(pair[0] * scale[f], pair[1] * scale[f]);
        low[r][i] = simt::half_pair(lower[0], lower[1]);
      }
    }
  }
};

struct Largest {
  float value;
  uint32_t place;  // 2 row + column
};
// Of a pooling window, the first of equals; right and below: whether it has a second column and row. A NaN is the largest
// if all are: one in a weight is in all products, the pixels being finite.
__device__ __forceinline__ Largest largest_of(float v00, float v01, float v10, float v11, bool right,
                                              bool below) {
  v01 = right ? v01 : v00;
  v11 = right ? v11 : v10;
  const Largest upper{fmaxf(v00, v01), v01 > v00 ? 1u : 0u};
  const float lower = below ? fmaxf(v10, v11) : upper.value;
  return {fmaxf(upper.value, lower), lower > upper.value ? (v11 > v10 ? 3u : 2u) : upper.place};
}

// argmax may be null.
template <class Config, class Element>
__global__ void __launch_bounds__(Config::kThreads, Config::kBlocksAtOnce)
    forward_tensor(ForwardTensorParams a, const uint8_t* x, const Element* w, const float* b, Element* y,
                   uint8_t* argmax) {
  constexpr int kR = Config::kR;
  DYN_SHARED(uint32_t, image);
  SHARED(float, filters, [Config::kFilters * Config::kR * Config::kRowTaps]);
  const Params& g = a.block;
  const int32_t warp = int32_t(threadIdx.x) / 32, lane = int32_t(threadIdx.x) % 32;
  const int32_t group = lane / 4, t = lane % 4;
  const int32_t first_k = int32_t(blockIdx.y) * Config::kFilters;

  load_whole_filters<Config>(a, w, first_k, filters);
  __syncthreads();
  FilterFragments<Config> fragments;
  fragments.load(a, filters, b, first_k, group, t);

  const bool there[2] = {first_k + group < g.K, first_k + group + 8 < g.K};
  // The pixels of this lane's column of B, for the warp's first row and the tile's first columns.
  const int32_t element = group * g.C, odd = element % 2;
  const uint32_t* of_column =
      image + (odd ? a.odd_words : 0) + 2 * warp * a.row_words + (element - odd) / 2 + t;

  const int64_t begin = int64_t(blockIdx.x) * a.block_tiles;
  for (int64_t tile = begin; tile < begin + a.block_tiles && tile < a.tiles; ++tile) {
    const int32_t index = int32_t(tile), of_image = a.tiles_p * a.tiles_q, n = index / of_image;
    const int32_t first_p = index % of_image / a.tiles_q * Config::kTileRows;
    const int32_t first_q = index % a.tiles_q * a.tile_columns;
    if (tile > begin) __syncthreads();  // the last tile is no longer read
    fill_whole<Config>(a, x, n, 2 * first_p - g.pad_top, 2 * first_q - g.pad_left, image);
    __syncthreads();

    const int32_t p = first_p + warp, end_q = p < g.P ? min(first_q + a.tile_columns, g.Q) : 0;
    const uint32_t* at = of_column;
    const int64_t pixel = (int64_t{n} * g.P + p) * g.Q + first_q + t;
    Element* y_at = y + pixel * g.K + first_k + group;
    uint8_t* argmax_at = argmax + (argmax ? pixel * g.filter_pairs() + (first_k + group) / 2 : 0);
    for (int32_t q0 = first_q; q0 < end_q; q0 += Config::kAtOnce, at += Config::kAtOnce * g.C,
                 y_at += Config::kAtOnce * g.K,
                 argmax_at += argmax ? Config::kAtOnce * g.filter_pairs() : 0) {
      float high[2][4] = {}, low[2][4] = {};  // of two rows of the full-size map
      GABOR_UNROLL
      for (int h = 0; h <= kR; ++h) {
        const uint32_t pixels[2] = {at[h * a.row_words], at[h * a.row_words + 4]};
        GABOR_UNROLL
        for (int row = 0; row < 2; ++row) {
          if (h - row < 0 || h - row >= kR) continue;
          multiply_add<simt::half>(high[row], fragments.high[h - row], pixels);
          multiply_add<simt::half>(low[row], fragments.low[h - row], pixels);
        }
      }
      const int32_t q = q0 + t;
      const bool right = 2 * q + 1 < g.full_Q, below = 2 * p + 1 < g.full_P;
      GABOR_UNROLL
      for (int f = 0; f < 2; ++f) {
        // Scaling and bias do not change which is the largest, and come after.
        const auto value = [&](int row, int column) {
          return high[row][2 * f + column] + low[row][2 * f + column];
        };
        const Largest best = largest_of(value(0, 0), value(0, 1), value(1, 0), value(1, 1), right, below);
        const float pooled = fmaf(best.value, fragments.unscale[f], fragments.bias[f]);
        const uint32_t code = there[f] && !(pooled <= 0.0f) ? best.place | 4u : 0u;
        const uint32_t next = __shfl_xor_sync(simt::kFullMask, code, 4);  // of the filter that shares a byte
        if (!there[f] || q >= g.Q) continue;
        y_at[f * 8] = simt::from_float<Element>(pooled <= 0.0f ? 0.0f : pooled);
        if (argmax && group % 2 == 0) argmax_at[f * 4] = uint8_t(code | next << 4);
      }
    }
  }
}

}  // namespace gabor::kernels::first_block
