#include "kernels/gemm/call.h"
#include "kernels/gemm/ffma.cuh"

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

template <class Element>
void launch_backward(const Call& dgrad, const Call& wgrad) {
  using Config = Ffma64;
  using Dgrad = Params<Pass::dgrad, Element>;
  using Wgrad = Params<Pass::wgrad, Element>;
  const auto blocks = [](const Call& call) {
    return simt::ceil_div(call.M, Config::kTileM) * simt::ceil_div(call.N, Config::kTileN) * call.plan.splits;
  };
  const bool vector = rows_aligned(dgrad, 4 * sizeof(Element)) && rows_aligned(wgrad, 4 * sizeof(Element));
  launch(on_stream(dgrad, dim3(unsigned(blocks(dgrad) + blocks(wgrad))), Config::kThreads),
         vector ? ffma_backward<Config, true, Dgrad, Wgrad> : ffma_backward<Config, false, Dgrad, Wgrad>,
         params_of<Pass::dgrad, Element>(dgrad, Config::kTileK),
         params_of<Pass::wgrad, Element>(wgrad, Config::kTileK), blocks(dgrad));
}

}  // namespace

void launch_ffma(const Call& call) {
  with_types(call, [&]<Pass kPass, class Element>() {
    if constexpr (std::is_same_v<Element, float>) {
      if (call.plan.rung == Rung::ffma_128) return launch_tile<Ffma128, kPass, Element>(call);
    }
    launch_tile<Ffma64, kPass, Element>(call);  // see gemm.h
  });
}

void launch_ffma_backward(const Call& dgrad, const Call& wgrad) {
  with_storage(dgrad.storage, [&]<class Element>(Element) { launch_backward<Element>(dgrad, wgrad); });
}

}  // namespace gabor::gemm
