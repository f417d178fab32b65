// Sizes that the fused first block's forward, backward and workspace agree on. Derived from the problem alone
// (not from the instruction set, nor the threads), so that the arg-max layout and the order of every sum are
// fixed by it.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "backends/cpu/chunk_parts.h"
#include "core/problem/first_block.h"

namespace gabor::cpu::first_block {

constexpr int64_t kMaxLanes = 16;  // floats in the widest vector we compile for

constexpr int64_t kMaxChannels = 4, kMaxKernel = 11;

constexpr int64_t round_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }
constexpr int64_t divide_up(int64_t n, int64_t by) { return (n + by - 1) / by; }

struct Geometry {
  int64_t N, H, W, C, K, R, S;
  int64_t pad_top, pad_left;
  int64_t P, Q;  // of the pooled map
  bool u8;
  Normalize normalize;

  // Forward. A pooled row takes `pitch` places: Q results and the S/2 places by which the last windows reach
  // on. One item of work is `block_rows` pooled rows of an image. Its padded input lies in 4 C planes, one
  // for each channel, row parity and column parity, each of plane_rows x pitch floats.
  int64_t pitch;
  int64_t block_rows, blocks;
  int64_t plane_rows, plane_size;

  // Backward. One item is a tile of at most tile_rows x tile_columns pooled places of an image. Each part has
  // its own partial sums.
  int64_t tile_rows, tile_columns, tiles_p, tiles_q;
  int64_t items;  // of the batch
  ChunkParts parts;

  explicit Geometry(const FirstBlockProblem& p)
      : N(p.conv.N),
        H(p.conv.H),
        W(p.conv.W),
        C(p.conv.C),
        K(p.conv.K),
        R(p.conv.R),
        S(p.conv.S),
        pad_top(p.conv.pad.top),
        pad_left(p.conv.pad.left),
        P(p.pool.P()),
        Q(p.pool.Q()),
        u8(p.input == DType::u8),
        normalize(p.normalize) {
    pitch = Q + S / 2;
    // 256 KiB of planes stay in a core's second-level cache; the R - 1 rows shared by neighbours are filled
    // twice.
    const int64_t row_bytes = 2 * pitch * C * 2 * int64_t(sizeof(float));
    block_rows = std::clamp<int64_t>((int64_t{256} << 10) / row_bytes - R / 2, 4, std::max<int64_t>(P, 4));
    blocks = divide_up(P, block_rows);
    block_rows = divide_up(P, blocks);
    plane_rows = block_rows + R / 2;
    // Vectors may start at the last place and read S/2 places and R/2 rows on.
    plane_size = round_up(plane_rows * pitch + S / 2 + kMaxLanes, kMaxLanes);

    // 32 KiB of windows stay in the first-level cache.
    tiles_q = divide_up(Q, int64_t{16});
    tile_columns = divide_up(Q, tiles_q);
    const int64_t window_row = 2 * tile_columns * round_up(S * C, kMaxLanes) * int64_t(sizeof(float));
    tile_rows =
        std::clamp<int64_t>(((int64_t{32} << 10) / window_row - (R - 1)) / 2, 4, std::max<int64_t>(P, 4));
    tiles_p = divide_up(P, tile_rows);
    tile_rows = divide_up(P, tiles_p);
    items = N * tiles_p * tiles_q;
    const int64_t room = (int64_t{4} << 20) / (partial_floats() * int64_t(sizeof(float)));
    parts = {
        .images = N, .items = tiles_p * tiles_q, .most = std::clamp<int64_t>(room, 8, 64) / kChunksAtOnce};
  }

  int64_t argmax_bytes() const {
    return round_up(K * P * pitch + kMaxLanes, 64);
  }  // a sample; vector reads run on

  // Filters are handled by fours where numbers go between NHWC and lanes; the last four overlap the ones
  // before.
  int64_t groups() const { return divide_up(K, 4); }
  int64_t group_filter(int64_t group) const { return std::max<int64_t>(0, std::min(4 * group, K - 4)); }

  int64_t segment() const { return round_up(S * C, kMaxLanes); }              // floats of a window's row
  int64_t window_rows() const { return 2 * tile_rows + R - 1; }               // input rows of a tile
  int64_t partial_floats() const { return K * (R * segment() + kMaxLanes); }  // dw, then db
};

}  // namespace gabor::cpu::first_block
