#include <algorithm>

#include "kernels/common/dispatch.cuh"
#include "kernels/softmax_xent/naive.cuh"
#include "kernels/softmax_xent/softmax_xent.h"
#include "kernels/softmax_xent/warp.cuh"

namespace gabor::kernels {
namespace {

using Naive = SoftmaxXentNaiveConfig;
using Warp = SoftmaxXentWarpConfig;

constexpr int64_t kMostBlocks = 0x3fffffff;  // 2 * block has to fit an int

}  // namespace

size_t softmax_xent_workspace_bytes(const SoftmaxXentProblem& p) {
  static_assert(Warp::kRows <= Naive::kRows, "the rung with the most blocks");
  return size_t(simt::ceil_div(p.N, int64_t{Warp::kRows})) * (sizeof(float) + 2 * sizeof(int));
}

void softmax_xent(const SoftmaxXentProblem& p, Storage storage, const SoftmaxXentTensors& t, Stream stream,
                  SoftmaxXentRung rung) {
  constexpr int64_t kFewClasses = 8;
  if (rung == SoftmaxXentRung::automatic)
    rung = p.K <= kFewClasses ? SoftmaxXentRung::naive : SoftmaxXentRung::warp;
  const bool naive = rung == SoftmaxXentRung::naive;
  const int64_t blocks =
      std::max<int64_t>(simt::ceil_div(p.N, int64_t{naive ? Naive::kRows : Warp::kRows}), 1);
  if (blocks > kMostBlocks || p.K > 0x7fffff00) throw simt::Error("softmax_xent: too many rows or classes");

  const TotalsParams totals = totals_params(blocks, t.memory, t.loss, t.counts);
  const LaunchConfig config =
      grid_of(dim3(unsigned(blocks)), naive ? Naive::kThreads : Warp::kThreads, stream);
  with_element(storage, [&]<class Element>(Element) {
    const SoftmaxXentParams<Element> g{p.N,
                                       int(p.K),
                                       p.label_smoothing,
                                       p.scale,
                                       static_cast<const Element*>(t.y),
                                       t.labels,
                                       static_cast<Element*>(t.dy),
                                       p.two_labels};
    launch(config, naive ? softmax_xent_naive<Naive, Element> : softmax_xent_warp<Warp, Element>, g, totals);
  });
}

}  // namespace gabor::kernels
