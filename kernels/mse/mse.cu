#include <algorithm>

#include "kernels/common/dispatch.cuh"
#include "kernels/mse/mse.cuh"
#include "kernels/mse/mse.h"

namespace gabor::kernels {
namespace {

using Naive = MseConfig<1, 128>;
using Warp = MseConfig<32, 256>;

template <class Config>
void run(const MseProblem& p, Storage storage, const MseTensors& t, Stream stream) {
  constexpr int64_t kMostBlocks = 0x3fffffff, kMostClasses = 0x7fffff00;  // 2 * block has to fit an int
  const int64_t blocks = std::max<int64_t>(simt::ceil_div(p.N, int64_t{Config::kRows}), 1);
  if (blocks > kMostBlocks || p.K > kMostClasses) throw simt::Error("mse: too many rows or classes");
  const TotalsParams totals = totals_params(blocks, t.memory, t.loss, t.counts);
  with_element(storage, [&]<class Element>(Element) {
    const MseParams<Element> g{p.N,         int(p.K),
                               p.scale,     static_cast<const Element*>(t.y),
                               t.labels,    static_cast<Element*>(t.dy),
                               p.two_labels};
    launch(grid_of(dim3(unsigned(blocks)), Config::kThreads, stream), mse_rows<Config, Element>, g, totals);
  });
}

}  // namespace

size_t mse_workspace_bytes(const MseProblem& p) {
  static_assert(Warp::kRows <= Naive::kRows, "the rung with the most blocks");
  return size_t(simt::ceil_div(p.N, int64_t{Warp::kRows})) * (sizeof(float) + 2 * sizeof(int));
}

void mse(const MseProblem& p, Storage storage, const MseTensors& t, Stream stream, MseRung rung) {
  constexpr int64_t kFewClasses = 8;
  if (rung == MseRung::naive || (rung == MseRung::automatic && p.K <= kFewClasses)) {
    run<Naive>(p, storage, t, stream);
  } else {
    run<Warp>(p, storage, t, stream);
  }
}

}  // namespace gabor::kernels
