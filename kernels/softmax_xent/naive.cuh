// Softmax cross-entropy, rung 1: one thread a row. Formulas: row.cuh.
//
// y, dy: N,K, any alignment; labels: N. A thread owns a row and reads it three times: largest logit and right answer;
// sum of exponentials; gradient. A block owns 128 rows and writes their Totals. Shared memory 48 bytes (the block's
// sum); about 40 registers.
// Per row: K (2 exp + about 10 FLOP); 8K bytes from DRAM and 4 of label. Neighbouring threads are K elements apart:
// accesses coalesce for the few classes (<= 8) this rung is chosen for, and a cat-or-dog head of N=128 is 2 KB: bound
// by the launch (2-3 us) on an H200 and on a GTX 1660 Ti, not by either roof.
#pragma once
#include "kernels/common/class_totals.cuh"
#include "kernels/softmax_xent/row.cuh"

namespace gabor::kernels {

struct SoftmaxXentNaiveConfig {
  static constexpr int kThreads = 128;
  static constexpr int kRows = kThreads;  // a block
  static_assert(kThreads % 32 == 0);
};

template <class Element>
__device__ inline Totals softmax_xent_row(const SoftmaxXentParams<Element>& g, int64_t n) {
  const Element* row = g.y + n * g.K;
  Element* drow = g.dy == nullptr ? nullptr : g.dy + n * g.K;
  const RowLabels labels = row_labels(g.labels, n, g.two_labels);
  const bool counts = labels.counts(), broken = counts && !labels.valid(g.K);
  if (!counts || broken) {
    const float fill = broken ? NAN : 0.0f;
    for (int k = 0; k < g.K && drow != nullptr; ++k) drow[k] = simt::from_float<Element>(fill);
    return {fill, int(counts), 0};
  }
  const int label = labels.first;
  const float label_logit = simt::to_float(row[label]);
  float max = -INFINITY;
  bool right = label_logit == label_logit;
  for (int k = 0; k < g.K; ++k) {
    const float v = simt::to_float(row[k]);
    max = fmaxf(max, v);
    right = right && !beats(v, k, label_logit, label);
  }
  const float share =
      1.0f / float(g.K);  // of each gap, before it is added: K large ones may be more than float holds
  float sum = 0.0f, mean_gap = 0.0f;
  for (int k = 0; k < g.K; ++k) {
    const float gap = max - simt::to_float(row[k]);
    sum += expf(-gap);
    mean_gap += share * gap;
  }
  const float inverse = 1.0f / sum;
  for (int k = 0; k < g.K && drow != nullptr; ++k)
    drow[k] = simt::from_float<Element>(logit_gradient(expf(simt::to_float(row[k]) - max), inverse,
                                                       labels.onehot(k), g.smoothing, g.K, g.scale));
  const float gap = label_gap(labels.weight, max, label_logit, simt::to_float(row[labels.second]));
  return {row_loss(sum, gap, mean_gap, g.smoothing), 1, int(right)};
}

template <class Config, class Element>
__global__ void __launch_bounds__(Config::kThreads)
    softmax_xent_naive(SoftmaxXentParams<Element> g, TotalsParams out) {
  const int64_t n = int64_t(blockIdx.x) * Config::kRows + threadIdx.x;
  Totals t;
  if (n < g.N) t = softmax_xent_row(g, n);
  write_totals<Config::kThreads>(out, t);
}

}  // namespace gabor::kernels
