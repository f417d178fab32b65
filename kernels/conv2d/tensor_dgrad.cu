#include "kernels/common/dispatch.cuh"
#include "kernels/common/epilogue.cuh"
#include "kernels/conv2d/tensor_core.h"
#include "kernels/conv2d/tensor_dgrad.cuh"
#include "kernels/conv2d/tensor_tiles.cuh"

namespace gabor::kernels::conv2d {
namespace {

template <class Config, class Element, bool kChunks>
void run(const Conv2dProblem& p, const DgradParams& params, const void* dy, const void* w, void* dx,
         bool accumulate, Stream stream) {
  const int64_t blocks = simt::ceil_div<int64_t>(params.rows, Config::kTileRows) *
                         simt::ceil_div<int64_t>(params.columns, Config::kTileColumns);
  auto config = grid_of(dim3(unsigned(blocks), 1, unsigned(p.groups)), Config::kBlockThreads, stream);
  config.smem = tensor::DgradOperands<Config, Element, kChunks>::kSharedBytes;
  launch(config, tensor::dgrad<Config, Element, kChunks, Gradient>, params, static_cast<const Element*>(dy),
         static_cast<const Element*>(w), Gradient{accumulate}, static_cast<Element*>(dx));
}

}  // namespace

void tensor_dgrad(const Conv2dProblem& p, Storage storage, const void* dy, const void* w, void* dx,
                  bool accumulate, Stream stream) {
  const bool chunks =
      tensor::whole_chunks(p.C / p.groups, storage) && tensor::whole_chunks(p.K / p.groups, storage);
  for (int64_t h = 0; h < p.stride_h && h < p.H; ++h)
    for (int64_t v = 0; v < p.stride_w && v < p.W; ++v) {
      const DgradParams params(p, h, v);
      if (accumulate && params.depth == 0) continue;  // a class that no window reads: nothing to add
      with_element(storage, [&]<class Element>(Element) {
        tensor::with_tile(p.C / p.groups, [&]<class Config>(Config) {
          if (chunks) return run<Config, Element, true>(p, params, dy, w, dx, accumulate, stream);
          return run<Config, Element, false>(p, params, dy, w, dx, accumulate, stream);
        });
      });
    }
}

}  // namespace gabor::kernels::conv2d
