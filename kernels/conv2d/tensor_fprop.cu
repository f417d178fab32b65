#include "kernels/common/dispatch.cuh"
#include "kernels/common/epilogue.cuh"
#include "kernels/conv2d/tensor_core.h"
#include "kernels/conv2d/tensor_fprop.cuh"
#include "kernels/conv2d/tensor_tiles.cuh"

namespace gabor::kernels::conv2d {
namespace {

template <class Config, class Element, bool kChunks, class Epilogue>
void run(const Conv2dProblem& p, const void* x, const void* w, Epilogue epilogue, void* y, Stream stream) {
  const FpropParams params(p);
  const int64_t blocks = simt::ceil_div<int64_t>(params.rows, Config::kTileRows) *
                         simt::ceil_div<int64_t>(params.columns, Config::kTileColumns);
  auto config = grid_of(dim3(unsigned(blocks), 1, unsigned(p.groups)), Config::kBlockThreads, stream);
  config.smem = tensor::FpropOperands<Config, Element, kChunks>::kSharedBytes;
  launch(config, tensor::fprop<Config, Element, kChunks, Epilogue>, params, static_cast<const Element*>(x),
         static_cast<const Element*>(w), epilogue, static_cast<Element*>(y));
}

}  // namespace

void tensor_fprop(const Conv2dProblem& p, Storage storage, const void* x, const void* w, const float* b,
                  void* y, Stream stream) {
  const auto with_epilogue = [&](auto f) {
    if (BiasTwoPieces::can(p.activation.kind)) return f(BiasTwoPieces::make(b, p.activation));
    return f(BiasActivation{b, p.activation});
  };
  const bool chunks = tensor::whole_chunks(p.C / p.groups, storage);
  with_element(storage, [&]<class Element>(Element) {
    tensor::with_tile(p.K / p.groups, [&]<class Config>(Config) {
      with_epilogue([&](auto epilogue) {
        if (chunks) return run<Config, Element, true>(p, x, w, epilogue, y, stream);
        return run<Config, Element, false>(p, x, w, epilogue, y, stream);
      });
    });
  });
}

}  // namespace gabor::kernels::conv2d
