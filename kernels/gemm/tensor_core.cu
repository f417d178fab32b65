#include "kernels/gemm/call.h"
#include "kernels/gemm/tensor_core.cuh"

namespace gabor::gemm {
namespace {

template <class Config, Pass kPass, class Element>
void launch_tile(const Call& call) {
  using P = Params<kPass, Element>;
  const P p = params_of<kPass, Element>(call, TensorTileA<Config, P>::kTileK);
  const unsigned tiles = unsigned(simt::ceil_div(p.M, Config::kTileM) * simt::ceil_div(p.N, Config::kTileN));
  launch(
      on_stream(call, dim3(tiles, 1, unsigned(call.plan.splits)), Config::kThreads, kTensorShared<Config, P>),
      rows_aligned(call, 16) ? tensor_gemm<Config, true, P> : tensor_gemm<Config, false, P>, p);
}

}  // namespace

void launch_tensor(const Call& call) {
  with_types(call, [&]<Pass kPass, class Element>() {
    if (call.plan.rung == Rung::tensor_128) {
      launch_tile<Tensor128, kPass, Element>(call);
    } else {
      launch_tile<Tensor64, kPass, Element>(call);
    }
  });
}

}  // namespace gabor::gemm
