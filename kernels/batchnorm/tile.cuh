// How the tiled kernels share out a rows,C matrix: a block owns a tile of channels and a slice of rows.
//
// The threads of a block stand in `lanes` rows of `columns`, a thread owning kVector neighbouring channels: so many
// columns that a warp's accesses are whole lines where C is large, and never more than the tile has channels, so that
// with C = 6 or 10 the block has 42 or 25 rows in hand at once instead of idle threads. Tiles are made equally wide.
// What the lanes have found is merged pairwise in shared memory, in an order that the geometry alone fixes.
#pragma once
#include <algorithm>

#include "kernels/common/pack.h"
#include "kernels/common/unroll.cuh"

namespace gabor::kernels::batchnorm {

template <int kVector_>
struct TileConfig {
  static constexpr int kThreads = 256;
  static constexpr int kVector = kVector_;
  static constexpr int kMostColumns = 32;
  static constexpr int kRows = 4;  // of a thread, whose loads are in flight at once
  static_assert(kThreads % 32 == 0 && kMostColumns <= kThreads);
  static_assert(kVector == 1 || kVector == 4);
};

struct TileParams {
  int64_t rows;
  int32_t C, columns, lanes;
  int64_t slice_rows;  // of a slice; the last may have fewer
};

template <class Config>
TileParams tile_params(int64_t rows, int64_t C, int64_t slices) {
  const int64_t groups = C / Config::kVector;
  const int64_t tiles = simt::ceil_div(groups, int64_t{Config::kMostColumns});
  const int32_t columns = int32_t(simt::ceil_div(groups, tiles));
  return {rows, int32_t(C), columns, Config::kThreads / columns, simt::ceil_div(rows, slices)};
}

template <class Config>
unsigned tiles(const TileParams& g) {
  return unsigned(simt::ceil_div(g.C / Config::kVector, g.columns));
}

// A thread's part: the channels c, ..., c + kVector - 1 of the rows first, first + lanes, ... below end.
struct Place {
  int32_t lane, c;
  bool works;  // else the thread only takes part in the merging
  int64_t first, end;
};

template <class Config>
__device__ inline Place place(const TileParams& g) {
  const int32_t lane = int32_t(threadIdx.x) / g.columns, column = int32_t(threadIdx.x) % g.columns;
  const int64_t group = int64_t(blockIdx.x) * g.columns + column;
  const bool works = lane < g.lanes && group * Config::kVector < g.C;
  const int64_t begin = int64_t(blockIdx.y) * g.slice_rows, end = begin + g.slice_rows;
  return {lane, int32_t(works ? group * Config::kVector : 0), works, begin + lane,
          end < g.rows ? end : g.rows};
}

// Calls many(offsets of kRows rows) as long as there are as many, then one(offset): offsets of elements.
template <class Config, class Many, class One>
__device__ __forceinline__ void for_rows(const TileParams& g, const Place& at, Many many, One one) {
  int64_t row = at.first;
  for (; row + (Config::kRows - 1) * g.lanes < at.end; row += Config::kRows * g.lanes) {
    int64_t offset[Config::kRows];
    GABOR_UNROLL
    for (int i = 0; i < Config::kRows; ++i) offset[i] = (row + i * g.lanes) * g.C + at.c;
    many(offset);
  }
  for (; row < at.end; row += g.lanes) one(row * g.C + at.c);
}

// The merger of what the lanes of a column found, in lane 0. Called once a kernel, by all threads of the block.
template <class Config, class Part>
__device__ inline Part merged(const TileParams& g, const Place& at, Part part) {
  SHARED(Part, parts, [Config::kThreads]);
  parts[threadIdx.x] = part;
  for (int live = g.lanes; live > 1;) {
    const int half = (live + 1) / 2;
    __syncthreads();
    if (at.lane + half < live) {
      part.merge(parts[int(threadIdx.x) + half * g.columns]);
      parts[threadIdx.x] = part;
    }
    live = half;
  }
  return part;
}

}  // namespace gabor::kernels::batchnorm
