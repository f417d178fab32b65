#include <algorithm>

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

template <class Element>
void softmax_xent(const SoftmaxXentProblem& p, const SoftmaxXentTensors<Element>& t, void* stream,
                  SoftmaxXentRung rung) {
  constexpr int64_t kFewClasses = 8;
  if (rung == SoftmaxXentRung::automatic)
    rung = p.K <= kFewClasses ? SoftmaxXentRung::naive : SoftmaxXentRung::warp;
  const bool naive = rung == SoftmaxXentRung::naive;
  const int64_t blocks =
      std::max<int64_t>(simt::ceil_div(p.N, int64_t{naive ? Naive::kRows : Warp::kRows}), 1);
  if (blocks > kMostBlocks || p.K > 0x7fffff00) throw simt::Error("softmax_xent: too many rows or classes");

  const SoftmaxXentParams<Element> g{p.N,      int(p.K), p.label_smoothing, p.scale, t.y,
                                     t.labels, t.dy,     p.two_labels};
  const TotalsParams totals = totals_params(blocks, t.memory, t.loss, t.counts);
  const auto on = static_cast<decltype(LaunchConfig::stream)>(stream);
  if (naive)
    launch({dim3(unsigned(blocks)), dim3(Naive::kThreads), 0, on}, softmax_xent_naive<Naive, Element>, g,
           totals);
  if (!naive)
    launch({dim3(unsigned(blocks)), dim3(Warp::kThreads), 0, on}, softmax_xent_warp<Warp, Element>, g,
           totals);
}

#define GABOR_INSTANTIATE(Element)                                                                          \
  template void softmax_xent<Element>(const SoftmaxXentProblem&, const SoftmaxXentTensors<Element>&, void*, \
                                      SoftmaxXentRung);
GABOR_INSTANTIATE(float)
GABOR_INSTANTIATE(simt::half)
GABOR_INSTANTIATE(simt::bfloat16)
#undef GABOR_INSTANTIATE

}  // namespace gabor::kernels
