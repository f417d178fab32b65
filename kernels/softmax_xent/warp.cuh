// Softmax cross-entropy, rung 2. Its one idea: a warp a row, so that accesses coalesce whatever K is, and the row's
// maximum and sum are five shuffles each. Formulas: row.cuh.
//
// y, dy: N,K, any alignment; labels: N. A lane owns the classes lane, lane + 32, ...; a warp one row; a block 8 rows,
// whose Totals it writes. The row is read three times, the second and third time from L1 (4 KB for 1,000 classes; 8
// rows a block). Shared memory 96 bytes (the block's sum); about 40 registers.
// Per row: K (2 exp + about 10 FLOP) for 8K bytes of DRAM: about 4 FLOP/byte with exp as 10 FLOP, DRAM-bound on an H200
// (turns at 14 FLOP/byte) and on a GTX 1660 Ti (19). N=256, K=1000: 2 MB, 0.4 us at 4.8 TB/s (so: the launch) and 7 us
// at 288 GB/s.
#pragma once
#include "kernels/common/class_totals.cuh"
#include "kernels/common/warp_reduce.cuh"
#include "kernels/softmax_xent/row.cuh"

namespace gabor::kernels {

struct SoftmaxXentWarpConfig {
  static constexpr int kRows = 8;  // a block
  static constexpr int kThreads = 32 * kRows;
  static_assert(kThreads <= 1024);
};

// The whole warp takes row n; lane 0 returns its Totals, the others nothing.
template <class Element>
__device__ inline Totals softmax_xent_row_by_warp(const SoftmaxXentParams<Element>& g, int64_t n) {
  const int lane = int(threadIdx.x) % 32;
  const Element* row = g.y + n * g.K;
  Element* drow = g.dy == nullptr ? nullptr : g.dy + n * g.K;
  const RowLabels labels = row_labels(g.labels, n, g.two_labels);
  const bool counts = labels.counts(), broken = counts && !labels.valid(g.K);
  Totals t;
  if (!counts || broken) {
    const float fill = broken ? NAN : 0.0f;
    for (int k = lane; k < g.K && drow != nullptr; k += 32) drow[k] = simt::from_float<Element>(fill);
    if (lane == 0) t.loss = fill, t.rows = int(counts);
    return t;
  }
  const int label = labels.first;
  const float label_logit = simt::to_float(row[label]);
  float max = -INFINITY;
  bool beaten = label_logit != label_logit;
  for (int k = lane; k < g.K; k += 32) {
    const float v = simt::to_float(row[k]);
    max = fmaxf(max, v);
    beaten = beaten || beats(v, k, label_logit, label);
  }
  max = warp_max(max);
  const bool right = !__any_sync(simt::kFullMask, beaten);
  const float share =
      1.0f / float(g.K);  // of each gap, before it is added: K large ones may be more than float holds
  float sum = 0.0f, mean_gap = 0.0f;
  for (int k = lane; k < g.K; k += 32) {
    const float gap = max - simt::to_float(row[k]);
    sum += expf(-gap);
    mean_gap += share * gap;
  }
  sum = warp_sum(sum);
  mean_gap = warp_sum(mean_gap);
  const float inverse = 1.0f / sum;
  for (int k = lane; k < g.K && drow != nullptr; k += 32)
    drow[k] = simt::from_float<Element>(logit_gradient(expf(simt::to_float(row[k]) - max), inverse,
                                                       labels.onehot(k), g.smoothing, g.K, g.scale));
  if (lane == 0) {
    // Read again: held since the beginning, they would take registers from the loops.
    const float gap =
        label_gap(labels.weight, max, simt::to_float(row[labels.first]), simt::to_float(row[labels.second]));
    t.loss = row_loss(sum, gap, mean_gap, g.smoothing);
    t.rows = 1;
    t.right = int(right);
  }
  return t;
}

template <class Config, class Element>
__global__ void __launch_bounds__(Config::kThreads)
    softmax_xent_warp(SoftmaxXentParams<Element> g, TotalsParams out) {
  const int64_t n = int64_t(blockIdx.x) * Config::kRows + threadIdx.x / 32;
  Totals t;
  if (n < g.N) t = softmax_xent_row_by_warp(g, n);  // one answer for the whole warp
  write_totals<Config::kThreads>(out, t);
}

}  // namespace gabor::kernels
