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
                    unsigned(simt::ceil_div(call.M, Config::kRowsK)));
    launch(on_stream(call, grid, Config::kThreads), skinny_k<Config, kVector, P>,
           params_of<kPass, Element>(call, kSkinny));
  } else {
    const dim3 grid(unsigned(simt::ceil_div(call.N, Config::kColumns)), 1, splits);
    launch(on_stream(call, grid, Config::kThreads), skinny_m<Config, kVector, P>,
           params_of<kPass, Element>(call, Config::kStepM));
  }
}

template <bool kVector, Pass kPass, class Element>
void launch_vector(const Call& call) {
  const int few = kPass == Pass::fprop ? call.N : kPass == Pass::dgrad ? call.K : call.M;
  if (few <= 2) return launch_few<2, kVector, kPass, Element>(call);
  if (few <= 4) return launch_few<4, kVector, kPass, Element>(call);
  return launch_few<16, kVector, kPass, Element>(call);
}

}  // namespace

void launch_skinny(const Call& call) {
  with_types(call, [&]<Pass kPass, class Element>() {
    const auto whole = [](const void* p, int row) {
      return reinterpret_cast<uintptr_t>(p) % (4 * sizeof(Element)) == 0 && row % 4 == 0;
    };
    // A of dgrad and wgrad is the narrow matrix, which is read element by element.
    const bool vector = whole(call.b, b_rows_along_k(kPass) ? call.K : call.N) &&
                        (kPass != Pass::fprop || whole(call.a, call.K));
    if (vector) {
      launch_vector<true, kPass, Element>(call);
    } else {
      launch_vector<false, kPass, Element>(call);
    }
  });
}

}  // namespace gabor::gemm
