#include <algorithm>

#include "kernels/common/dispatch.cuh"
#include "kernels/first_block/backward_tensor.cuh"
#include "kernels/first_block/tensor.h"

namespace gabor::kernels {
namespace first_block {
namespace {

template <class F>
void with_rows(int64_t R, F f) {
  return R == 3 ? f(BackwardTensorConfig<3>{}) : f(BackwardTensorConfig<5>{});
}

// How a row of pooled pixels is cut into tiles.
struct Tiles {
  int64_t columns, copy_words, row_words;
};

// As few tiles a row as fit in shared memory, all of one width. columns: 0 if not even the narrowest fits.
template <class Config>
Tiles choose_tiles(const FirstBlockProblem& p) {
  constexpr int64_t kStep = Config::kAtOnce;
  const int64_t steps = simt::ceil_div(p.pool.Q(), kStep);
  for (int64_t across = 1; across <= steps; ++across) {
    const int64_t columns = simt::ceil_div(steps, across) * kStep;
    int64_t copy = columns + (p.conv.S + 1) / 2;
    while (copy % 16 != 4) ++copy;
    const int64_t row = 2 * p.conv.C * copy;
    if (Config::kImageRows * row * int64_t(sizeof(uint32_t)) <= kSharedBytes - Config::kStaticBytes)
      return {columns, copy, row};
  }
  return {};
}

template <class Config>
int64_t tile_count(const FirstBlockProblem& p, int64_t columns) {
  return p.conv.N * simt::ceil_div(p.pool.P(), int64_t{Config::kTileRows}) *
         simt::ceil_div(p.pool.Q(), columns);
}

template <class Config>
int64_t blocks_across(const FirstBlockProblem& p) {
  return simt::ceil_div(p.conv.K, int64_t{Config::kFilters});
}

}  // namespace

void backward_tensor(const FirstBlockProblem& p, Storage storage, const void* x, const uint8_t* argmax,
                     const void* dy, float* dw, float* db, bool accumulate, int slices,
                     const JoinMemory& memory, Stream stream) {
  with_rows(p.conv.R, [&]<class Config>(Config) {
    const Tiles tile = choose_tiles<Config>(p);
    const int64_t tiles = tile_count<Config>(p, tile.columns);
    const BackwardTensorParams params{
        .block = Params(p),
        .pixels = *whole_pixels(p),
        .tiles_p = int32_t(simt::ceil_div(p.pool.P(), int64_t{Config::kTileRows})),
        .tiles_q = int32_t(simt::ceil_div(p.pool.Q(), tile.columns)),
        .tiles = int32_t(tiles),
        .slice_tiles = int32_t(simt::ceil_div(tiles, int64_t{slices})),
        .tile_columns = int32_t(tile.columns),
        .copy_words = int32_t(tile.copy_words),
        .row_words = int32_t(tile.row_words)};
    const FilterGradients gradients(p.conv.K, p.conv.reduction(), slices, blocks_across<Config>(p), memory,
                                    dw, db, accumulate);
    LaunchConfig config =
        grid_of(dim3(unsigned(slices), unsigned(blocks_across<Config>(p))), Config::kThreads, stream);
    config.smem = size_t(Config::kImageRows * tile.row_words) * sizeof(uint32_t);
    with_element(storage, [&]<class Element>(Element) {
      launch(config, backward_tensor<Config, Element>, params, static_cast<const uint8_t*>(x), argmax,
             static_cast<const Element*>(dy), gradients);
    });
  });
}

bool tensor_takes(const FirstBlockProblem& p) {
  const Conv2dProblem& c = p.conv;
  return whole_pixels(p) && (c.R == 3 || c.R == 5) && c.S * c.C <= 16 && c.stride_h == 1 && c.stride_w == 1 &&
         c.dil_h == 1 && c.dil_w == 1 && c.H * c.W * c.C < kMost32 && c.K <= 65535 * 16;
}

}  // namespace first_block

bool first_block_tensor_backward_takes(const FirstBlockProblem& p) {
  using namespace first_block;
  if (!tensor_takes(p)) return false;
  bool takes = false;
  with_rows(p.conv.R, [&]<class Config>(Config) {
    const int64_t columns = choose_tiles<Config>(p).columns;
    takes = columns > 0 && tile_count<Config>(p, columns) < kMost32;
  });
  return takes;
}

int first_block_tensor_slices(const FirstBlockProblem& p, int multiprocessors) {
  using namespace first_block;
  constexpr int64_t kMostSlices = 1024;
  int64_t slices = 1;
  with_rows(p.conv.R, [&]<class Config>(Config) {
    const int64_t wanted =
        simt::ceil_div(int64_t{Config::kBlocksAtOnce} * multiprocessors, blocks_across<Config>(p));
    slices = std::min({wanted, tile_count<Config>(p, choose_tiles<Config>(p).columns), kMostSlices});
    slices = joinable_slices(blocks_across<Config>(p), slices);
  });
  return int(slices);
}

}  // namespace gabor::kernels
