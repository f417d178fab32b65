#include "kernels/common/dispatch.cuh"
#include "kernels/conv2d/tensor_core.h"
#include "kernels/conv2d/tensor_tiles.cuh"
#include "kernels/conv2d/tensor_wgrad.cuh"
#include "kernels/conv2d/wgrad_slices.h"

namespace gabor::kernels::conv2d {
namespace {

template <class Config, class Element, bool kChunks>
void run(const Conv2dProblem& p, const void* x, const void* dy, float* dw, float* db, bool accumulate,
         int slices, const JoinMemory& memory, Stream stream) {
  using Operands = tensor::WgradOperands<Config, Element, kChunks>;
  const WgradParams params(p, db != nullptr, slices, Operands::A::Tile::kDepth);
  const int64_t blocks = simt::ceil_div<int64_t>(params.rows, Config::kTileRows) *
                         simt::ceil_div<int64_t>(params.columns, Config::kTileColumns);
  const FilterGradients gradients(p.K, p.reduction(), slices, p.groups * blocks, memory, dw, db, accumulate);
  auto config =
      grid_of(dim3(unsigned(blocks), unsigned(slices), unsigned(p.groups)), Config::kBlockThreads, stream);
  config.smem = Operands::kSharedBytes;
  launch(config, tensor::wgrad<Config, Element, kChunks>, params, static_cast<const Element*>(x),
         static_cast<const Element*>(dy), gradients);
}

}  // namespace

int tensor_wgrad_slices(const Conv2dProblem& p, int multiprocessors) {
  int64_t tiles = 0;
  tensor::with_wgrad_tile(p.K / p.groups, p.reduction() + 1, [&]<class Config>(Config) {
    tiles = p.groups * simt::ceil_div<int64_t>(p.K / p.groups, Config::kTileRows) *
            simt::ceil_div<int64_t>(p.reduction() + 1, Config::kTileColumns);
  });
  return wgrad_slices(tiles, p.N * p.P() * p.Q(), multiprocessors);
}

size_t tensor_wgrad_workspace(const Conv2dProblem& p, int slices) {
  return implicit_wgrad_workspace(p, slices);
}

void tensor_wgrad(const Conv2dProblem& p, Storage storage, const void* x, const void* dy, float* dw,
                  float* db, bool accumulate, int slices, const JoinMemory& memory, Stream stream) {
  const bool chunks =
      tensor::whole_chunks(p.C / p.groups, storage) && tensor::whole_chunks(p.K / p.groups, storage);
  const int64_t columns = p.reduction() + (db ? 1 : 0);
  with_element(storage, [&]<class Element>(Element) {
    tensor::with_wgrad_tile(p.K / p.groups, columns, [&]<class Config>(Config) {
      if (chunks) return run<Config, Element, true>(p, x, dy, dw, db, accumulate, slices, memory, stream);
      return run<Config, Element, false>(p, x, dy, dw, db, accumulate, slices, memory, stream);
    });
  });
}

}  // namespace gabor::kernels::conv2d
