#include "kernels/common/dispatch.cuh"
#include "kernels/softmax/softmax.cuh"
#include "kernels/softmax/softmax.h"

namespace gabor::kernels {
namespace {

using Naive = SoftmaxConfig<1, 128>;
using Warp = SoftmaxConfig<32, 256>;

// Calls run(Config{}, the launch of a grid that takes N rows).
template <class Run>
void with_rung(int64_t N, int64_t K, SoftmaxRung rung, Stream stream, Run run) {
  constexpr int64_t kFewColumns = 8, kMostBlocks = 0x7fffffff, kMostColumns = 0x7fffff00;
  if (N <= 0 || K <= 0) return;
  const auto take = [&](auto config) {
    using Config = decltype(config);
    const int64_t blocks = simt::ceil_div(N, int64_t{Config::kRows});
    if (blocks > kMostBlocks || K > kMostColumns) throw simt::Error("softmax: too many rows or columns");
    run(config, grid_of(dim3(unsigned(blocks)), Config::kThreads, stream));
  };
  if (rung == SoftmaxRung::naive || (rung == SoftmaxRung::automatic && K <= kFewColumns)) {
    take(Naive{});
  } else {
    take(Warp{});
  }
}

}  // namespace

template <class Element>
void softmax_forward(int64_t N, int64_t K, const Element* x, Element* y, void* stream, SoftmaxRung rung) {
  with_rung(N, K, rung, stream, [&](auto config, const LaunchConfig& grid) {
    launch(grid, softmax_rows<decltype(config), Element>, N, int(K), x, y);
  });
}

template <class Element>
void softmax_backward(int64_t N, int64_t K, const Element* y, const Element* dy, Element* dx, bool accumulate,
                      void* stream, SoftmaxRung rung) {
  with_rung(N, K, rung, stream, [&](auto config, const LaunchConfig& grid) {
    launch(grid, softmax_gradient_rows<decltype(config), Element>, N, int(K), y, dy, dx, accumulate);
  });
}

#define GABOR_INSTANTIATE(Element)                                                                          \
  template void softmax_forward<Element>(int64_t, int64_t, const Element*, Element*, void*, SoftmaxRung);   \
  template void softmax_backward<Element>(int64_t, int64_t, const Element*, const Element*, Element*, bool, \
                                          void*, SoftmaxRung);
GABOR_INSTANTIATE(float)
GABOR_INSTANTIATE(simt::half)
GABOR_INSTANTIATE(simt::bfloat16)
#undef GABOR_INSTANTIATE

}  // namespace gabor::kernels
