// Fused first block backward, rung 2: tensor cores (sm_80), in the precision of float. Formula, shapes, types and arg-max:
// naive.cuh, first_block.h; problems: as forward_tensor.cuh, which explains the whole numbers.
// Its ideas: (1) pixels are whole numbers of 8 bits, which bfloat16 holds exactly, and a gradient is the sum of three
// bfloat16 of 8 bits each, so that three products of mma.sync, whose sums are float, give those of dy itself; (2) dw is the
// dense product of filters x pixels of the full-size map by pixels x taps: three of four elements of its A are the zeros of
// windows' losers, but A is made in registers, from dy and the winner's code, and tensor cores have the rate to spare; the
// rung on FFMA skips them and is bound by its reads of shared memory.
// A block owns a slice of the tiles of kWarps x tile_columns pooled pixels (of any images) and 16 filters (blockIdx.y); a
// warp one pooled row of a tile, 8 pooled pixels at a time: two rows of 16 columns, the depth of m16n8k16. The sums, 16
// filters by kR rows of 16 taps, stay in registers to the end. The warps' sums meet in shared memory, in order; slices meet
// in the workspace, as those of backward_tiled.cuh.
// B's registers are pairs of neighbouring columns of one channel: the image tile is planes, and each is there a second
// time, moved by one column, for pairs that start at an odd one. Copies lie 4 banks apart (mod 16): few conflicts.
// Shared memory: 2 kWarps + kR - 1 rows of C planes of two copies (dynamic), 5 KB of sums: article (two tiles of 80 columns
// a row): 40 KB and 5. At most 128 registers, 2 blocks at once.
// FLOPs: 2 x 16 x 16 kR for a pixel of the full-size map, three times: article, N = 128: 21.6 M mma.sync, one in 1.6 cycles of
// a multiprocessor of an H100: 0.15 ms. Bytes: dy and arg-max once, x 1.3 times: 0.17 GB, 0.06 ms. Measured there: 0.34 ms,
// 48 % of all issue slots used; backward_tiled.cuh takes 1.06.
// The padding's zeros are multiplied like other pixels: an Inf or NaN in a dy that is not dead gives NaN in the taps that
// read outside x; an Inf may give NaN in any.
#pragma once
#include "kernels/common/filter_gradients.cuh"
#include "kernels/common/multiply_add.cuh"
#include "kernels/common/unroll.cuh"
#include "kernels/first_block/params.cuh"
#include "kernels/first_block/whole_pixels.h"

namespace gabor::kernels::first_block {

template <int kR_>
struct BackwardTensorConfig {
  static constexpr int kThreads = 256, kWarps = kThreads / 32, kBlocksAtOnce = 2;
  static constexpr int kR = kR_, kRowTaps = 16, kFilters = 16, kSums = kR * kRowTaps;  // of a filter
  static constexpr int kTileRows = kWarps, kImageRows = 2 * kTileRows + kR - 1;
  static constexpr int kAtOnce = 8;  // pooled pixels of a warp
  static constexpr int kStaticBytes = (kFilters * kSums + kFilters) * int(sizeof(float));
};

struct BackwardTensorParams {
  Params block;
  WholePixels pixels;
  int32_t tiles_p, tiles_q;
  int32_t tiles, slice_tiles;     // of all images; of a slice
  int32_t tile_columns;           // pooled, a multiple of 8
  int32_t copy_words, row_words;  // of the image tile: from copy to copy (two a plane), from row to row
};

// Two floats cut to bfloat16, which are their upper halves: exact for whole numbers of 8 bits.
__device__ __forceinline__ uint32_t upper_halves(float low, float high) {
  return __float_as_uint(low) >> 16 | (__float_as_uint(high) & 0xffff0000u);
}

// Both copies of all planes of a tile whose first pixel is h, w of image n.
template <class Config>
__device__ __forceinline__ void fill_planes(const BackwardTensorParams& a, const uint8_t* x, int32_t n,
                                            int32_t h, int32_t w, uint32_t* image) {
  const Params& g = a.block;
  const int32_t warp = int32_t(threadIdx.x) / 32, lane = int32_t(threadIdx.x) % 32;
  for (int32_t j = lane; j < a.copy_words; j += 32) {
    bool there[3];
    GABOR_UNROLL
    for (int32_t column = 0; column < 3; ++column)
      there[column] = uint32_t(w + 2 * j + column) < uint32_t(g.W);
    for (int32_t i = warp; i < Config::kImageRows; i += Config::kWarps) {
      const bool inside = uint32_t(h + i) < uint32_t(g.H);
      const uint8_t* from = x + ((int64_t{n} * g.H + h + i) * g.W + w + 2 * j) * g.C;
      uint32_t* to = image + i * a.row_words + j;
      for (int32_t c = 0; c < g.C; ++c, to += 2 * a.copy_words) {
        float v[3];
        GABOR_UNROLL
        for (int32_t column = 0; column < 3; ++column)
          v[column] = inside && there[column]
                          ? fmaf(float(from[column * g.C + c]), a.pixels.factor, a.pixels.offset)
                          : 0.0f;
        to[0] = upper_halves(v[0], v[1]);
        to[a.copy_words] = upper_halves(v[1], v[2]);
      }
    }
  }
}

// What a lane brings to A for 8 pooled pixels of 16 filters: windows t and t + 4 (i / 2) of filters g and g + 8 (i % 2).
struct Windows {
  float dy[4];
  uint32_t code[4];

  // from, codes: window t of filter g. left: windows that are there, from the first of the 8. there: the filters.
  template <class Element>
  __device__ __forceinline__ void load(const Params& p, const Element* from, const uint8_t* codes,
                                       int32_t left, int32_t t, const bool (&there)[2]) {
    GABOR_UNROLL
    for (int i = 0; i < 4; ++i) {
      const bool is = t + i / 2 * 4 < left && there[i % 2];
      dy[i] = is ? simt::to_float(from[i / 2 * 4 * p.K + i % 2 * 8]) : 0.0f;
      code[i] = is ? codes[i / 2 * 4 * p.filter_pairs() + i % 2 * 4] : 0;
    }
  }
};

// A of both rows of the full-size map, each in three parts whose sum is dy at the winner, 0 at the losers: 8 bits of it
// each, cut off and not rounded, for then a part is the upper half of a float.
struct GradientFragments {
  static constexpr int kParts = 3;
  uint32_t a[2][kParts][4];

  // Adds the gradients to the bias gradients of filters g and g + 8. code_shift: of their halves of a byte.
  __device__ __forceinline__ GradientFragments(const Windows& windows, int32_t code_shift, float (&bias)[2]) {
    GABOR_UNROLL
    for (int i = 0; i < 4; ++i) {
      const uint32_t code = windows.code[i] >> code_shift;
      float left = (code & 4) != 0 ? windows.dy[i] : 0.0f;
      bias[i % 2] += left;
      const uint32_t shift = (code & 1) != 0 ? 0 : 16;  // to the first or second column
      const bool below = (code & 2) != 0;
      GABOR_UNROLL
      for (int part = 0; part < kParts; ++part) {
        const uint32_t upper = __float_as_uint(left) & 0xffff0000u;
        a[0][part][i] = below ? 0 : upper >> shift;
        a[1][part][i] = below ? upper >> shift : 0;
        left -= __uint_as_float(upper);
      }
    }
  }
};

template <class Config, class Element>
__global__ void __launch_bounds__(Config::kThreads, Config::kBlocksAtOnce)
    backward_tensor(BackwardTensorParams a, const uint8_t* x, const uint8_t* argmax, const Element* dy,
                    FilterGradients gradients) {
  constexpr int kR = Config::kR, kSums = Config::kSums;
  DYN_SHARED(uint32_t, image);
  SHARED(float, block_sums, [Config::kFilters * kSums]);
  SHARED(float, block_bias, [Config::kFilters]);
  const Params& g = a.block;
  const int32_t warp = int32_t(threadIdx.x) / 32, lane = int32_t(threadIdx.x) % 32;
  const int32_t group = lane / 4, t = lane % 4;
  const int32_t first_k = int32_t(blockIdx.y) * Config::kFilters, row_taps = g.S * g.C;

  const uint32_t*
      of_tap[2];  // the pixels of this lane's taps, for the warp's first row and the tile's first columns
  GABOR_UNROLL
  for (int half = 0; half < 2; ++half) {
    const int32_t wanted = half * 8 + group,
                  tap = wanted < row_taps ? wanted : 0;  // a sum that nobody asks for
    const int32_t s = tap / g.C, c = tap % g.C;
    of_tap[half] = image + 2 * warp * a.row_words + (2 * c + s % 2) * a.copy_words + s / 2 + t;
  }

  const bool there[2] = {first_k + group < g.K, first_k + group + 8 < g.K};
  float sum[kR][2][4] = {}, bias[2] = {};
  const int64_t begin = int64_t(blockIdx.x) * a.slice_tiles, end = begin + a.slice_tiles;
  for (int64_t tile = begin; tile < end && tile < a.tiles; ++tile) {
    const int32_t index = int32_t(tile), of_image = a.tiles_p * a.tiles_q, n = index / of_image;
    const int32_t first_p = index % of_image / a.tiles_q * Config::kTileRows;
    const int32_t first_q = index % a.tiles_q * a.tile_columns;
    const int32_t p = first_p + warp, columns = p < g.P ? min(a.tile_columns, g.Q - first_q) : 0;
    const int64_t pixel = (int64_t{n} * g.P + p) * g.Q + first_q + t;
    const Element* dy_at = dy + pixel * g.K + first_k + group;
    const uint8_t* code_at = argmax + pixel * g.filter_pairs() + (first_k + group) / 2;
    // Those of the next step are loaded while the products of this one are made.
    Windows windows;
    windows.load(g, dy_at, code_at, columns, t, there);
    if (tile > begin) __syncthreads();  // the last tile is no longer read
    fill_planes<Config>(a, x, n, 2 * first_p - g.pad_top, 2 * first_q - g.pad_left, image);
    __syncthreads();

    for (int32_t q = 0; q < columns; q += Config::kAtOnce) {
      const GradientFragments gradients(windows, group % 2 * 4, bias);
      dy_at += Config::kAtOnce * g.K, code_at += Config::kAtOnce * g.filter_pairs();
      windows.load(g, dy_at, code_at, columns - q - Config::kAtOnce, t, there);
      GABOR_UNROLL
      for (int h = 0; h <= kR; ++h) {
        uint32_t pixels[2][2];
        GABOR_UNROLL
        for (int i = 0; i < 4; ++i) pixels[i / 2][i % 2] = of_tap[i / 2][h * a.row_words + q + i % 2 * 4];
        // In this order, for a product waits for the one before it in the same sums.
        GABOR_UNROLL
        for (int part = 0; part < GradientFragments::kParts; ++part) {
          GABOR_UNROLL
          for (int i = 0; i < 4; ++i) {
            const int half = i / 2, row = i % 2;
            if (h - row < 0 || h - row >= kR) continue;
            multiply_add<simt::bfloat16>(sum[h - row][half], gradients.a[row][part], pixels[half]);
          }
        }
      }
    }
  }

  GABOR_UNROLL
  for (int f = 0; f < 2; ++f)
    for (int step = 1; step < 4; step *= 2) bias[f] += __shfl_xor_sync(simt::kFullMask, bias[f], step);
  for (int32_t turn = 0; turn < Config::kWarps; ++turn) {
    if (warp == turn) {
      GABOR_UNROLL
      for (int i = 0; i < kR * 2 * 4; ++i) {
        const int r = i / 8, half = i / 4 % 2, f = i / 2 % 2, next = i % 2;
        float& to = block_sums[(group + 8 * f) * kSums + r * Config::kRowTaps + half * 8 + 2 * t + next];
        to = (turn > 0 ? to : 0.0f) + sum[r][half][2 * f + next];
      }
      if (t < 2) {
        float& to = block_bias[group + 8 * t];
        to = (turn > 0 ? to : 0.0f) + (t == 0 ? bias[0] : bias[1]);
      }
    }
    __syncthreads();
  }

  constexpr int32_t kSumsOfBlock = Config::kFilters * kSums;
  const bool has_bias = gradients.columns > g.taps();
  const int32_t elements =
      kSumsOfBlock + (has_bias ? Config::kFilters : 0);  // the sums, then the bias gradients
  const auto place = [&](int32_t i) -> int64_t {
    const bool is_bias = i >= kSumsOfBlock;
    const int32_t f = is_bias ? i - kSumsOfBlock : i / kSums, tap = i % Config::kRowTaps;
    if (first_k + f >= g.K || (!is_bias && tap >= row_taps)) return -1;
    return gradients.offset(first_k + f, is_bias ? g.taps() : i % kSums / Config::kRowTaps * row_taps + tap);
  };
  for (int32_t i = int32_t(threadIdx.x); i < elements; i += Config::kThreads) {
    const int64_t at = place(i);
    if (at < 0) continue;
    const bool is_bias = i >= kSumsOfBlock;
    const float bias = block_bias[is_bias ? i - kSumsOfBlock : i / kSums];
    const int32_t c = i % Config::kRowTaps % g.C;
    gradients.of_slice(blockIdx.x, at) =
        is_bias ? bias
                : fmaf(block_sums[i], of_channel(a.pixels.unit, c), bias * of_channel(a.pixels.rest, c));
  }
  join_slices<Config::kThreads>(gradients.slices, int32_t(blockIdx.y), int32_t(blockIdx.x), elements, place,
                                gradients);
}

}  // namespace gabor::kernels::first_block
