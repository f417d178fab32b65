#include <algorithm>

#include "kernels/common/dispatch.cuh"
#include "kernels/first_block/backward_tiled.cuh"
#include "kernels/first_block/tiled.h"

namespace gabor::kernels {
namespace first_block {
namespace {

// Calls f with the tile that wastes the fewest filters, and no lanes on a second or third tap that is not there.
template <class F>
void with_config(const Conv2dProblem& c, F f) {
  const bool tens = simt::ceil_div(c.K, int64_t{10}) * 10 <= simt::ceil_div(c.K, int64_t{8}) * 8;
  if (c.reduction() <= 32) return tens ? f(BackwardConfig<10, 1>{}) : f(BackwardConfig<8, 1>{});
  return tens ? f(BackwardConfig<10, 3>{}) : f(BackwardConfig<8, 3>{});
}

// Of the image tile that a tile of pooled pixels reads.
struct TileExtent {
  int64_t rows, columns, row_pitch;
  size_t bytes() const { return size_t(rows * row_pitch) * sizeof(float); }
};

template <class Config>
TileExtent tile_extent(const Conv2dProblem& c) {
  const int64_t rows = (2 * Config::kRows - 1) * c.stride_h + (c.R - 1) * c.dil_h + 1;
  const int64_t columns = (2 * Config::kColumns - 1) * c.stride_w + (c.S - 1) * c.dil_w + 1;
  int64_t pitch = columns * c.C;
  while (pitch % 32 != c.S * c.C % 32) ++pitch;
  return {rows, columns, pitch};
}

template <class Config>
int64_t tiles_of(const FirstBlockProblem& p) {
  return p.conv.N * simt::ceil_div(p.pool.P(), int64_t{Config::kRows}) *
         simt::ceil_div(p.pool.Q(), int64_t{Config::kColumns});
}

template <class Config>
dim3 grid_of_slices(const Conv2dProblem& c, int slices) {
  return dim3(unsigned(slices), unsigned(simt::ceil_div(c.K, int64_t{Config::kFilters})),
              unsigned(simt::ceil_div(c.reduction(), int64_t{Config::kTaps})));
}

}  // namespace

void backward_tiled(const FirstBlockProblem& p, Storage storage, const void* x, const uint8_t* argmax,
                    const void* dy, float* dw, float* db, bool accumulate, int slices,
                    const JoinMemory& memory, Stream stream) {
  with_config(p.conv, [&]<class Config>(Config) {
    const TileExtent tile = tile_extent<Config>(p.conv);
    const int64_t tiles = tiles_of<Config>(p);
    const BackwardParams params{.block = Params(p),
                                .tiles_p = int32_t(simt::ceil_div(p.pool.P(), int64_t{Config::kRows})),
                                .tiles_q = int32_t(simt::ceil_div(p.pool.Q(), int64_t{Config::kColumns})),
                                .tiles = int32_t(tiles),
                                .slice_tiles = int32_t(simt::ceil_div(tiles, int64_t{slices})),
                                .rows = int32_t(tile.rows),
                                .columns = int32_t(tile.columns),
                                .row_pitch = int32_t(tile.row_pitch)};
    const dim3 grid = grid_of_slices<Config>(p.conv, slices);
    const FilterGradients gradients(p.conv.K, p.conv.reduction(), slices, int64_t{grid.y} * grid.z, memory,
                                    dw, db, accumulate);
    LaunchConfig config = grid_of(grid, Config::kThreads, stream);
    config.smem = tile.bytes();
    with_element(storage, [&]<class Element>(Element) {
      launch(config, backward_tiled<Config, Element>, params, x, argmax, static_cast<const Element*>(dy),
             gradients);
    });
  });
}

}  // namespace first_block

bool first_block_tiled_backward_takes(const FirstBlockProblem& p) {
  using namespace first_block;
  const Conv2dProblem& c = p.conv;
  // Small enough that sizes of tiles cannot overflow.
  for (const int64_t extent : {c.R, c.S, c.stride_h, c.stride_w, c.dil_h, c.dil_w})
    if (extent > kSharedBytes) return false;
  if (c.H * c.W * c.C >= kMost32) return false;
  bool takes = false;
  with_config(c, [&]<class Config>(Config) {
    constexpr int64_t kMostBlocksAcross = 65535;  // of grid.y and grid.z
    const dim3 grid = grid_of_slices<Config>(c, 1);
    const int64_t left = kSharedBytes - Config::kStaticBytes;
    takes = grid.y <= kMostBlocksAcross && grid.z <= kMostBlocksAcross && tiles_of<Config>(p) < kMost32 &&
            int64_t(tile_extent<Config>(c).bytes()) <= left;
  });
  return takes;
}

int first_block_slices(const FirstBlockProblem& p, int multiprocessors) {
  using namespace first_block;
  // A slice of fewer tiles would write more to the workspace than it reads.
  constexpr int64_t kLeastTiles = 2, kMostSlices = 1024;
  int64_t slices = 1;
  with_config(p.conv, [&]<class Config>(Config) {
    const dim3 grid = grid_of_slices<Config>(p.conv, 1);
    const int64_t wanted =
        simt::ceil_div<int64_t>(int64_t{Config::kBlocksAtOnce} * multiprocessors, int64_t{grid.y} * grid.z);
    slices = std::min({wanted, simt::ceil_div(tiles_of<Config>(p), kLeastTiles), kMostSlices});
    slices = joinable_slices(int64_t{grid.y} * grid.z, slices);
  });
  return int(slices);
}

}  // namespace gabor::kernels
