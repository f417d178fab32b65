#include "kernels/gemm/call.h"
#include "kernels/gemm/skinny.cuh"

namespace gabor::gemm {
namespace {

template <int kFew, bool kVector, Pass kPass, class Element>
void launch_few(const Call& call) {
  using Config = SkinnyConfig<kFew>;
  using P = Params<kPass, Element>;
  const unsigned splits = unsigned(call.plan.splits);
  if constexpr (kPass == Pass::fprop) {
    const dim3 grid(unsigned(simt::ceil_div(call.M, Config::kRowsN)), 1, splits);
    launch(on_stream(call, grid, Config::kThreads), skinny_n<Config, kVector, P>,
           params_of<kPass, Element>(call, Config::kStepN));
  } else if constexpr (kPass == Pass::dgrad) {
    const dim3 grid(unsigned(simt::ceil_div(call.N, Config::kColumns)),
                    unsigned(simt::ceil_div(call.M, Config::kRowsAtOnce)));
    launch(on_stream(call, grid, Config::kThreads), skinny_k<Config, kVector, P>,
           params_of<kPass, Element>(call, kSkinny));
  } else {
    const dim3 grid(unsigned(simt::ceil_div(call.N, Config::kColumns)), 1, splits);
    launch(on_stream(call, grid, Config::kThreads), skinny_m<Config, kVector, P>,
           params_of<kPass, Element>(call, Config::kRowsAtOnce));
  }
}

template <int kFew, bool kVector, class Element>
void launch_few_backward(const Call& dgrad, const Call& wgrad) {
  using Config = SkinnyConfig<kFew>;
  using Dgrad = Params<Pass::dgrad, Element>;
  using Wgrad = Params<Pass::wgrad, Element>;
  const int across = simt::ceil_div(dgrad.N, Config::kColumns);
  const int dx_blocks = across * simt::ceil_div(dgrad.M, Config::kRowsAtOnce);
  launch(on_stream(dgrad, dim3(unsigned(dx_blocks + across * wgrad.plan.splits)), Config::kThreads),
         skinny_backward<Config, kVector, Dgrad, Wgrad>, params_of<Pass::dgrad, Element>(dgrad, kSkinny),
         params_of<Pass::wgrad, Element>(wgrad, Config::kRowsAtOnce), dx_blocks);
}

// f.operator()<kFew, kVector>() for so many outputs of the layer.
template <class F>
void with_few(int few, bool vector, F f) {
  const auto with_vector = [&]<int kFew>() {
    return vector ? f.template operator()<kFew, true>() : f.template operator()<kFew, false>();
  };
  if (few <= 2) return with_vector.template operator()<2>();
  if (few <= 4) return with_vector.template operator()<4>();
  return with_vector.template operator()<16>();
}

}  // namespace

void launch_skinny(const Call& call) {
  with_types(call, [&]<Pass kPass, class Element>() {
    const int few = kPass == Pass::fprop ? call.N : kPass == Pass::dgrad ? call.K : call.M;
    with_few(few, wide_rows_aligned(call),
             [&]<int kFew, bool kVector>() { launch_few<kFew, kVector, kPass, Element>(call); });
  });
}

void launch_skinny_backward(const Call& dgrad, const Call& wgrad) {
  kernels::with_element(dgrad.storage, [&]<class Element>(Element) {
    with_few(dgrad.K, wide_rows_aligned(dgrad) && wide_rows_aligned(wgrad),
             [&]<int kFew, bool kVector>() { launch_few_backward<kFew, kVector, Element>(dgrad, wgrad); });
  });
}

}  // namespace gabor::gemm
