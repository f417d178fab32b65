// Fused first block backward, rung 1. Formula, shapes, types and arg-max: naive.cuh, first_block.h.
// Its idea: lanes are taps. A warp walks pooled pixels; at each one all lanes multiply the same dy[k] with the pixels of
// the same window, the winner's, each lane with the pixel of its tap, so that the sums of dw stay in registers, nothing
// is done for dead windows or for the three that lost, and no two lanes diverge.
// A block owns a slice of the tiles of kRows x kColumns pooled pixels (of any images), kFilters filters (blockIdx.y)
// and 32 kSlots taps (blockIdx.z); a warp every kWarps-th pixel of a tile; a thread kFilters x kSlots sums, the same
// tap in all filters, and one lane of each filter its bias gradient. The warps' sums meet in shared memory, in order;
// slices meet in the workspace, [slice][k][tap] (the bias gradient follows a filter's taps), where the last blocks add
// them up in order (join_slices.cuh).
// Shared memory: the image tile, normalised (dynamic; its rows are S C words apart, mod 32, so that neighbouring taps
// lie on different banks where there is no dilation), dy and window of each pixel and filter, the sums: article (C = 3,
// 5x5, K = 10): 8.9 + 10.2 + 3.9 KB. At most 80 registers, 3 blocks at once.
// FLOPs: 2 N P Q K R S C, of live windows only. Bytes: x 1.4 times (halos, from L2), dy and arg-max once for each kTaps
// taps, x once for each kFilters filters: article, N = 128: at most 4.2 GFLOP, 0.17 GB. Each product loads its pixel
// from shared memory, where 96 lanes serve 75 taps, and each dy is a broadcast: bound by shared memory, and nearly by
// issue, with 4 to 5 cycles a live window and filter on either card: 28 M of these are 0.5 to 0.6 ms on the 132
// multiprocessors of an H200, 3.6 on the 22 of a GTX 1660 Ti; two thirds of that when half of them are dead. (The dense
// sum, with zeros for the three that lost, is FFMA-bound at 0.28 and 3.1 ms.)
// The padding's zeros are multiplied like other pixels: an Inf or NaN in a dy that is not dead gives NaN in the taps
// that read outside x.
#pragma once
#include "kernels/common/filter_gradients.cuh"
#include "kernels/common/unroll.cuh"
#include "kernels/first_block/params.cuh"

namespace gabor::kernels::first_block {

// The window that a pooled pixel's gradient of one filter goes to.
struct alignas(8) LiveWindow {
  float dy;    // 0 if dead
  int32_t at;  // its first element in the image tile; -1 if dead
};

template <int kFilters_, int kSlots_>
struct BackwardConfig {
  static constexpr int kThreads = 256, kWarps = kThreads / 32, kBlocksAtOnce = 3;
  static constexpr int kRows = 8, kColumns = 16, kPixels = kRows * kColumns;  // pooled pixels of a tile
  static constexpr int kFilters = kFilters_, kSlots = kSlots_, kTaps = 32 * kSlots;
  // Shared memory besides the image tile.
  static constexpr int kStaticBytes =
      kPixels * kFilters * int(sizeof(LiveWindow)) + (kTaps + 1) * kFilters * int(sizeof(float));
  static_assert(kPixels * kFilters % kThreads == 0, "all threads stage as many windows");
  static_assert(kFilters <= 32, "a lane each for the bias gradients");
};

struct BackwardParams {
  Params block;
  int32_t tiles_p, tiles_q;
  int32_t tiles, slice_tiles;        // of all images; of a slice
  int32_t rows, columns, row_pitch;  // of the image tile; row_pitch in floats
};

struct Tile {
  int32_t n, p, q;  // image, first pooled pixel
};

// Fills windows[pixel][filter].
template <class Config, class Element>
__device__ void find_windows(const BackwardParams& a, const Tile& tile, int32_t first_k,
                             const uint8_t* argmax, const Element* dy, LiveWindow* windows) {
  const Params& g = a.block;
#pragma unroll 1  // or addresses in flight would crowd the sums out of their registers
  for (int i = 0; i < Config::kPixels * Config::kFilters; i += Config::kThreads) {
    const int32_t at = i + int32_t(threadIdx.x), f = at % Config::kFilters, pixel = at / Config::kFilters;
    const int32_t row = pixel / Config::kColumns, column = pixel % Config::kColumns;
    const int32_t p = tile.p + row, q = tile.q + column, k = first_k + f;
    LiveWindow window{0.0f, -1};
    if (p < g.P && q < g.Q && k < g.K) {
      const int64_t pooled = (int64_t{tile.n} * g.P + p) * g.Q + q;
      const Code winner = code_at(g, argmax, pooled, k);
      const float d = simt::to_float(dy[pooled * g.K + k]);
      if (winner.alive)
        window = {d, (2 * row + winner.row) * g.stride_h * a.row_pitch +
                         (2 * column + winner.column) * g.stride_w * g.C};
    }
    windows[at] = window;
  }
}

template <class Config, class Element>
__global__ void __launch_bounds__(Config::kThreads, Config::kBlocksAtOnce)
    backward_tiled(BackwardParams a, const void* x, const uint8_t* argmax, const Element* dy,
                   FilterGradients gradients) {
  constexpr int kFilters = Config::kFilters, kSlots = Config::kSlots, kTaps = Config::kTaps;
  DYN_SHARED(float, image);
  SHARED_ALIGNED(8, LiveWindow, windows, [Config::kPixels * kFilters]);
  SHARED(float, block_sums, [kFilters * kTaps]);
  SHARED(float, block_bias, [kFilters]);
  const Params& g = a.block;
  const int32_t warp = int32_t(threadIdx.x) / 32, lane = int32_t(threadIdx.x) % 32;
  const int32_t first_k = int32_t(blockIdx.y) * kFilters, first_tap = int32_t(blockIdx.z) * kTaps;

  const float* of_tap[kSlots];  // the pixels of the lane's taps in a window that starts at the first element
  GABOR_UNROLL
  for (int slot = 0; slot < kSlots; ++slot) {
    const int32_t wanted = first_tap + slot * 32 + lane;
    const int32_t tap = wanted < g.taps() ? wanted : 0;  // a sum that nobody asks for
    const int32_t c = tap % g.C, s = tap / g.C % g.S, r = tap / g.C / g.S;
    of_tap[slot] = image + r * g.dil_h * a.row_pitch + s * g.dil_w * g.C + c;
  }

  float sum[kFilters][kSlots] = {}, bias = 0.0f;
  const int64_t begin = int64_t(blockIdx.x) * a.slice_tiles, end = begin + a.slice_tiles;
  for (int64_t t = begin; t < end && t < a.tiles; ++t) {
    const int32_t index = int32_t(t), tiles = a.tiles_p * a.tiles_q;
    const Tile tile{index / tiles, index % tiles / a.tiles_q * Config::kRows,
                    index % a.tiles_q * Config::kColumns};
    if (t > begin) __syncthreads();  // the last tile is no longer read
    const ImageTile pixels{2 * tile.p * g.stride_h - g.pad_top, 2 * tile.q * g.stride_w - g.pad_left, a.rows,
                           a.columns, a.row_pitch};
    fill_tile<Config::kWarps>(g, x, tile.n, pixels,
                              [&](int32_t column, int32_t c) { return image + column * g.C + c; });
    find_windows<Config>(a, tile, first_k, argmax, dy, windows);
    __syncthreads();

    for (int32_t pixel = warp; pixel < Config::kPixels; pixel += Config::kWarps) {
      const LiveWindow* of_pixel = windows + pixel * kFilters;
      if (lane < kFilters) bias += of_pixel[lane].dy;
      GABOR_UNROLL
      for (int f = 0; f < kFilters; ++f) {
        const LiveWindow window = of_pixel[f];
        if (window.at < 0) continue;
        GABOR_UNROLL
        for (int slot = 0; slot < kSlots; ++slot) sum[f][slot] += window.dy * of_tap[slot][window.at];
      }
    }
  }

  for (int32_t turn = 0; turn < Config::kWarps; ++turn) {
    if (warp == turn) {
      GABOR_UNROLL
      for (int i = 0; i < kFilters * kSlots; ++i) {
        float& to = block_sums[i * 32 + lane];  // of filter i / kSlots, tap i % kSlots * 32 + lane
        to = (turn > 0 ? to : 0.0f) + sum[i / kSlots][i % kSlots];
      }
      if (lane < kFilters) block_bias[lane] = (turn > 0 ? block_bias[lane] : 0.0f) + bias;
    }
    __syncthreads();
  }

  const bool has_bias = gradients.columns > g.taps() && blockIdx.z == 0;
  const int32_t elements =
      kFilters * kTaps + (has_bias ? kFilters : 0);  // the block's sums, then its bias gradients
  const auto place = [&](int32_t i) -> int64_t {
    const bool is_bias = i >= kFilters * kTaps;
    const int32_t f = is_bias ? i - kFilters * kTaps : i / kTaps;
    const int32_t tap = is_bias ? g.taps() : first_tap + i % kTaps;
    return first_k + f < g.K && (is_bias || tap < g.taps()) ? gradients.offset(first_k + f, tap) : -1;
  };
  for (int32_t i = int32_t(threadIdx.x); i < elements; i += Config::kThreads)
    if (const int64_t at = place(i); at >= 0)
      gradients.of_slice(blockIdx.x, at) =
          i < kFilters * kTaps ? block_sums[i] : block_bias[i - kFilters * kTaps];
  join_slices<Config::kThreads>(gradients.slices, int32_t(blockIdx.z * gridDim.y + blockIdx.y),
                                int32_t(blockIdx.x), elements, place, gradients);
}

}  // namespace gabor::kernels::first_block
