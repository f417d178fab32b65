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
  const auto dx = params_of<Pass::dgrad, Element>(dgrad, Config::kTileK);
  const auto dw = params_of<Pass::wgrad, Element>(wgrad, Config::kTileK);
  const auto blocks = [](const Call& call) {
    return simt::ceil_div(call.M, Config::kTileM) * simt::ceil_div(call.N, Config::kTileN) * call.plan.splits;
  };
  const LaunchConfig config =
      on_stream(dgrad, dim3(unsigned(blocks(dgrad) + blocks(wgrad))), Config::kThreads);
  constexpr size_t kQuad = 4 * sizeof(Element);
  const bool vector = rows_aligned(dgrad, kQuad) && rows_aligned(wgrad, kQuad) &&
                      reinterpret_cast<uintptr_t>(dgrad.y) % kQuad == 0;
  const auto run = [&]<class Dgrad, class Wgrad>(const Dgrad& a, const Wgrad& b) {
    launch(config,
           vector ? ffma_backward<Config, true, Dgrad, Wgrad> : ffma_backward<Config, false, Dgrad, Wgrad>, a,
           b, blocks(dgrad));
  };
  if (dgrad.y == nullptr) return run(dx, dw);
  const auto* y = static_cast<const Element*>(dgrad.y);
  run(ThroughRelu<Params<Pass::dgrad, Element>>{dx, y}, ThroughRelu<Params<Pass::wgrad, Element>>{dw, y});
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
  kernels::with_element(dgrad.storage,
                        [&]<class Element>(Element) { launch_backward<Element>(dgrad, wgrad); });
}

}  // namespace gabor::gemm
