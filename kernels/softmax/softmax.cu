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

void softmax_forward(int64_t N, int64_t K, Storage storage, const void* x, void* y, Stream stream,
                     SoftmaxRung rung) {
  with_element(storage, [&]<class Element>(Element) {
    with_rung(N, K, rung, stream, [&]<class Config>(Config, const LaunchConfig& grid) {
      launch(grid, softmax_rows<Config, Element>, N, int(K), static_cast<const Element*>(x),
             static_cast<Element*>(y));
    });
  });
}

void softmax_backward(int64_t N, int64_t K, Storage storage, const void* y, const void* dy, void* dx,
                      bool accumulate, Stream stream, SoftmaxRung rung) {
  with_element(storage, [&]<class Element>(Element) {
    with_rung(N, K, rung, stream, [&]<class Config>(Config, const LaunchConfig& grid) {
      launch(grid, softmax_gradient_rows<Config, Element>, N, int(K), static_cast<const Element*>(y),
             static_cast<const Element*>(dy), static_cast<Element*>(dx), accumulate);
    });
  });
}

}  // namespace gabor::kernels
