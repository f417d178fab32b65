#include <algorithm>

#include "kernels/common/dispatch.cuh"
#include "kernels/first_block/forward_tensor.cuh"
#include "kernels/first_block/tensor.h"

namespace gabor::kernels {
namespace first_block {
namespace {

template <class F>
void with_rows(int64_t R, F f) {
  return R == 3 ? f(ForwardTensorConfig<3>{}) : f(ForwardTensorConfig<5>{});
}

// How a row of pooled pixels is cut into tiles.
struct Tiles {
  int64_t columns, row_words, odd_words;
  size_t bytes() const { return 2 * size_t(odd_words) * sizeof(uint32_t); }
};

template <class Config>
Tiles tiles_of(int64_t columns, int64_t C) {
  const int64_t elements = (2 * columns - 1) * C + Config::kRowTaps;
  const int64_t words = simt::ceil_div<int64_t>(elements, 4) * 2;
  int64_t odd = Config::kImageRows * words;
  while (odd % 32 != 16) ++odd;
  return {columns, words, odd};
}

template <class Config>
constexpr int64_t kStaticBytes = int64_t{4} * Config::kFilters* Config::kR* Config::kRowTaps;

// As few tiles a row as fit in shared memory, all of one width. columns: 0 if not even the narrowest fits.
template <class Config>
Tiles choose_tiles(const FirstBlockProblem& p) {
  constexpr int64_t kStep = Config::kAtOnce;
  const int64_t steps = simt::ceil_div(p.pool.Q(), kStep);
  for (int64_t across = 1; across <= steps; ++across) {
    const Tiles tiles = tiles_of<Config>(simt::ceil_div(steps, across) * kStep, p.conv.C);
    if (int64_t(tiles.bytes()) <= kSharedBytes - kStaticBytes<Config>) return tiles;
  }
  return {};
}

}  // namespace

void forward_tensor(const FirstBlockProblem& p, Storage storage, const void* x, const void* w, const float* b,
                    void* y, uint8_t* argmax, int multiprocessors, Stream stream) {
  with_rows(p.conv.R, [&]<class Config>(Config) {
    const Tiles tile = choose_tiles<Config>(p);
    ForwardTensorParams params{
        .block = Params(p),
        .pixels = *whole_pixels(p),
        .tiles_p = int32_t(simt::ceil_div(p.pool.P(), int64_t{Config::kTileRows})),
        .tiles_q = int32_t(simt::ceil_div(p.pool.Q(), tile.columns)),
        .tiles = 0,
        .block_tiles = 1,
        .tile_columns = int32_t(tile.columns),
        .row_words = int32_t(tile.row_words),
        .odd_words = int32_t(tile.odd_words),
        .in_words = p.conv.W * p.conv.C % 4 == 0 && p.conv.pad.left * p.conv.C % 4 == 0};
    params.tiles = int32_t(p.conv.N * params.tiles_p * params.tiles_q);
    // Weights are prepared once a block: no more blocks than run at once.
    params.block_tiles = simt::ceil_div(params.tiles, Config::kBlocksAtOnce * std::max(multiprocessors, 1));
    LaunchConfig config = grid_of(dim3(unsigned(simt::ceil_div(params.tiles, params.block_tiles)),
                                       unsigned(simt::ceil_div<int64_t>(p.conv.K, Config::kFilters))),
                                  Config::kThreads, stream);
    config.smem = tile.bytes();
    with_element(storage, [&]<class Element>(Element) {
      launch(config, forward_tensor<Config, Element>, params, static_cast<const uint8_t*>(x),
             static_cast<const Element*>(w), b, static_cast<Element*>(y), argmax);
    });
  });
}

}  // namespace first_block

bool first_block_tensor_forward_takes(const FirstBlockProblem& p) {
  using namespace first_block;
  const Conv2dProblem& c = p.conv;
  if (!tensor_takes(p)) return false;
  bool takes = false;
  with_rows(c.R, [&]<class Config>(Config) {
    const int64_t tile = choose_tiles<Config>(p).columns;
    takes = tile > 0 &&
            c.N * simt::ceil_div(p.pool.P(), int64_t{Config::kTileRows}) * simt::ceil_div(p.pool.Q(), tile) <
                kMost32;
  });
  return takes;
}

}  // namespace gabor::kernels
