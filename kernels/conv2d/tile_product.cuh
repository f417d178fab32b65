// The heart of the implicit GEMMs: a block's tile of C[row][column] = sum over d of A[row][d] B[d][column], in plain
// FFMA. A and B exist nowhere in memory: loaders produce their tiles from the tensors of the convolution.
//
// A block owns kTileRows x kTileColumns of C and walks d in steps of kTileDepth through double-buffered shared memory:
// while it multiplies one pair of tiles, each thread holds its part of the next in registers, so the latency of DRAM
// is covered by kTileDepth * kMicroRows * kMicroColumns FFMAs. A thread owns kMicroRows x kMicroColumns of C, as quads
// that lie a whole tile / number of quads apart, so that a warp reads neighbouring quads of shared memory.
#pragma once
#include "kernels/common/quad.cuh"
#include "kernels/simt/gpu.h"

namespace gabor::kernels::conv2d {

template <int kRows, int kColumns, int kThreadRowsOfTile, int kThreadColumnsOfTile>
struct TileConfig {
  static constexpr int kTileRows = kRows, kTileColumns = kColumns, kTileDepth = 8;
  static constexpr int kThreadRows = kThreadRowsOfTile, kThreadColumns = kThreadColumnsOfTile;
  static constexpr int kBlockThreads = kThreadRows * kThreadColumns;
  static constexpr int kMicroRows = kTileRows / kThreadRows, kMicroColumns = kTileColumns / kThreadColumns;
  // A line of a tile is one d. A quad more than it holds: the threads of a warp that store four d of eight rows then
  // meet 32 different banks.
  static constexpr int kRowPitch = kTileRows + kQuad, kColumnPitch = kTileColumns + kQuad;
  static constexpr int kSharedBytes = 2 * kTileDepth * (kRowPitch + kColumnPitch) * int(sizeof(float));

  static_assert(kBlockThreads % 32 == 0 && kBlockThreads <= 1024);
  static_assert(kTileRows % kThreadRows == 0 && kTileColumns % kThreadColumns == 0);
  static_assert(kMicroRows % kQuad == 0 && kMicroColumns % kQuad == 0, "threads read quads of a tile");
  static_assert(kTileDepth % kQuad == 0, "loaders read quads along d");
  static_assert(kMicroRows * kMicroColumns <= 64, "sums and operands have to fit in 128 registers");
  static_assert(kSharedBytes <= 48 * 1024, "static shared memory");

  // Blocks that a multiprocessor's 65,536 registers hold at 168 a thread, which the compiler has to keep to: at 128 the
  // sums spill on sm_90.
  static constexpr int kBlocks = 65536 / (168 * kBlockThreads);
  static constexpr int kBlocksAtOnce = kBlocks < 16 ? kBlocks : 16;
};

// Row (or column) of the tile that element i of a thread's micro-tile is.
template <int kMicro, int kThreads>
__device__ __forceinline__ int place_in_tile(int i, int thread) {
  return i / kQuad * (kThreads * kQuad) + thread * kQuad + i % kQuad;
}

// sum[i][j] += the products of d_begin <= d < d_end, of none if they are equal. A loader has
//   void fetch(int32_t d0)        loads its thread's part of the tile d0 .. d0 + kTileDepth - 1 to registers, zeros
//                                 where A (or B) is not defined
//   void store(float* tile)       puts it to shared memory, tile[d][row] with the pitch of the Config
// All threads of the block call it.
template <class Config, class LoadA, class LoadB>
__device__ __forceinline__ void tile_product(LoadA& load_a, LoadB& load_b, int32_t d_begin, int32_t d_end,
                                             float (&sum)[Config::kMicroRows][Config::kMicroColumns]) {
  constexpr int kDepth = Config::kTileDepth, kRowPitch = Config::kRowPitch,
                kColumnPitch = Config::kColumnPitch;
  SHARED_ALIGNED(16, float, a_tile, [2][kDepth * kRowPitch]);
  SHARED_ALIGNED(16, float, b_tile, [2][kDepth * kColumnPitch]);
  const int thread_row = int(threadIdx.x) / Config::kThreadColumns;
  const int thread_column = int(threadIdx.x) % Config::kThreadColumns;

  load_a.fetch(d_begin);
  load_b.fetch(d_begin);
  load_a.store(a_tile[0]);
  load_b.store(b_tile[0]);
  __syncthreads();
  int buffer = 0;
  for (int32_t d0 = d_begin; d0 < d_end; d0 += kDepth) {
    const bool more = d0 + kDepth < d_end;
    if (more) {
      load_a.fetch(d0 + kDepth);
      load_b.fetch(d0 + kDepth);
    }
    GABOR_UNROLL
    for (int d = 0; d < kDepth; ++d) {
      float a[Config::kMicroRows], b[Config::kMicroColumns];
      GABOR_UNROLL
      for (int i = 0; i < Config::kMicroRows; i += kQuad)
        load_floats<kQuad>(
            &a_tile[buffer]
                   [d * kRowPitch + place_in_tile<Config::kMicroRows, Config::kThreadRows>(i, thread_row)],
            a + i);
      GABOR_UNROLL
      for (int j = 0; j < Config::kMicroColumns; j += kQuad)
        load_floats<kQuad>(
            &b_tile[buffer][d * kColumnPitch +
                            place_in_tile<Config::kMicroColumns, Config::kThreadColumns>(j, thread_column)],
            b + j);
      GABOR_UNROLL
      for (int i = 0; i < Config::kMicroRows; ++i) GABOR_UNROLL
      for (int j = 0; j < Config::kMicroColumns; ++j) sum[i][j] += a[i] * b[j];
    }
    if (!more) break;
    // The other buffer was last read before the barrier of the step before: one barrier a step is enough.
    buffer ^= 1;
    load_a.store(a_tile[buffer]);
    load_b.store(b_tile[buffer]);
    __syncthreads();
  }
}

// Calls write(row, column, quad) for each quad of neighbouring columns of the thread's micro-tile, rows and columns
// counted in the block's tile. kLong: in a loop over rows that stays a loop, for writers of much code. Registers
// cannot be indexed, so the rows then move up by one each time round.
template <class Config, bool kLong, class Write>
__device__ __forceinline__ void for_each_quad(float (&sum)[Config::kMicroRows][Config::kMicroColumns],
                                              Write write) {
  const int thread_row = int(threadIdx.x) / Config::kThreadColumns;
  const int thread_column = int(threadIdx.x) % Config::kThreadColumns;
  const auto write_row = [&](int i, float(&line)[Config::kMicroColumns]) {
    const int row = place_in_tile<Config::kMicroRows, Config::kThreadRows>(i, thread_row);
    GABOR_UNROLL
    for (int j = 0; j < Config::kMicroColumns; j += kQuad) {
      const int column = place_in_tile<Config::kMicroColumns, Config::kThreadColumns>(j, thread_column);
      float quad[kQuad] = {line[j], line[j + 1], line[j + 2], line[j + 3]};
      write(row, column, quad);
    }
  };
  if constexpr (kLong) {
#pragma unroll 1
    for (int i = 0; i < Config::kMicroRows; ++i) {
      write_row(i, sum[0]);
      GABOR_UNROLL
      for (int below = 1; below < Config::kMicroRows; ++below) GABOR_UNROLL
      for (int j = 0; j < Config::kMicroColumns; ++j) sum[below - 1][j] = sum[below][j];
    }
  } else {
    GABOR_UNROLL
    for (int i = 0; i < Config::kMicroRows; ++i) write_row(i, sum[i]);
  }
}

}  // namespace gabor::kernels::conv2d
