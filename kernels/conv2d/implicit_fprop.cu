#include "kernels/common/dispatch.cuh"
#include "kernels/common/epilogue.cuh"
#include "kernels/conv2d/implicit_fprop.cuh"
#include "kernels/conv2d/implicit_gemm.h"
#include "kernels/conv2d/tiles.cuh"

namespace gabor::kernels::conv2d {
namespace {

template <class Config, class Element, int kVector, class Epilogue>
void run(const Conv2dProblem& p, const void* x, const void* w, Epilogue epilogue, void* y, Stream stream) {
  const FpropParams params(p);
  const int64_t blocks = simt::ceil_div<int64_t>(params.rows, Config::kTileRows) *
                         simt::ceil_div<int64_t>(params.columns, Config::kTileColumns);
  launch(grid_of(dim3(unsigned(blocks), 1, unsigned(p.groups)), Config::kBlockThreads, stream),
         implicit_fprop<Config, Element, kVector, Epilogue>, params, static_cast<const Element*>(x),
         static_cast<const Element*>(w), epilogue, static_cast<Element*>(y));
}

}  // namespace

void implicit_fprop(const Conv2dProblem& p, Storage storage, const void* x, const void* w, const float* b,
                    void* y, Stream stream) {
  const auto with_epilogue = [&](auto f) {
    if (BiasTwoPieces::can(p.activation.kind)) return f(BiasTwoPieces::make(b, p.activation));
    return f(BiasActivation{b, p.activation});
  };
  with_element(storage, [&]<class Element>(Element) {
    with_tile(p.K / p.groups, [&]<class Config>(Config) {
      with_epilogue([&](auto epilogue) {
        if (p.C / p.groups % kQuad == 0) return run<Config, Element, kQuad>(p, x, w, epilogue, y, stream);
        return run<Config, Element, 1>(p, x, w, epilogue, y, stream);
      });
    });
  });
}

}  // namespace gabor::kernels::conv2d
