#include "kernels/gemm/ffma.cuh"

#include "kernels/gemm/call.h"

namespace gabor::gemm {
namespace {

template <class Config, Pass kPass, class Element>
void launch_tile(const Call& call) {
  using P = Params<kPass, Element>;
  const P p = params_of<kPass, Element>(call, Config::kTileK);
  const unsigned tiles = unsigned(simt::ceil_div(p.M, Config::kTileM) * simt::ceil_div(p.N, Config::kTileN));
  const bool vector = rows_aligned(call, 4 * sizeof(Element));
  launch(on_stream(call, dim3(tiles, 1, unsigned(call.plan.splits)), Config::kThreads),
         vector ? ffma_gemm<Config, true, P> : ffma_gemm<Config, false, P>, p);
}

}  // namespace

void launch_ffma(const Call& call) {
  with_types(call, [&]<Pass kPass, class Element>() {
    if (call.plan.rung == Rung::ffma_128) {
      launch_tile<Ffma128, kPass, Element>(call);
    } else {
      launch_tile<Ffma64, kPass, Element>(call);
    }
  });
}

}  // namespace gabor::gemm
