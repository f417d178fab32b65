// Mean squared error of classes, both rungs: kLanes threads own a row. With e[k] = y[k] - [k = label], or
// y[k] - w [k = first] - (1-w) [k = second]:
//   row loss = (sum_k e[k]^2) / K,   dy[k] = scale 2/K e[k]
//
// y, dy: N,K, any alignment; labels: N. Lane l of a row owns its classes l, l + kLanes, ...; a block kRows rows, whose
// Totals it writes (common/class_totals.cuh). The idea of the warp (kLanes 32) over the thread (kLanes 1) is that
// accesses coalesce whatever K is. One pass: y is read once. Shared memory 48 to 96 bytes (the block's sum); at most 50
// registers. 8K bytes and about 8K FLOP a row of float: 1 FLOP/byte, DRAM-bound on an H200 (turns at 14) and on a GTX
// 1660 Ti (19). N=256, K=1000: 2 MB, 0.5 us at 4.3 TB/s (so: the launch) and 7 us at 288 GB/s.
#pragma once
#include "kernels/common/class_totals.cuh"
#include "kernels/common/row_labels.cuh"
#include "kernels/common/warp_reduce.cuh"

namespace gabor::kernels {

template <int kLanes_, int kThreads_>
struct MseConfig {
  static constexpr int kLanes = kLanes_;  // a row
  static constexpr int kThreads = kThreads_;
  static constexpr int kRows = kThreads / kLanes;  // a block
  // What lies between would leave lanes out of shuffles at the last rows.
  static_assert(kLanes == 1 || kLanes == 32);
  static_assert(kThreads % 32 == 0 && kThreads <= 1024);
};

template <class Element>
struct MseParams {
  int64_t N;
  int K;
  float scale;
  const Element* y;
  const int32_t* labels;
  Element* dy;
  bool two_labels;
};

// The lanes of row n take it; lane 0 returns its Totals, the others nothing.
template <int kLanes, class Element>
__device__ inline Totals mse_row(const MseParams<Element>& g, int64_t n, int lane) {
  const Element* row = g.y + n * g.K;
  Element* drow = g.dy == nullptr ? nullptr : g.dy + n * g.K;
  const RowLabels labels = row_labels(g.labels, n, g.two_labels);
  const bool counts = labels.counts(), broken = counts && !labels.valid(g.K);
  Totals t;
  if (!counts || broken) {
    const float fill = broken ? NAN : 0.0f;
    for (int k = lane; k < g.K && drow != nullptr; k += kLanes) drow[k] = simt::from_float<Element>(fill);
    if (lane == 0) t.loss = fill, t.rows = int(counts);
    return t;
  }
  const int label = labels.first;
  const float label_y = simt::to_float(row[label]), slope = g.scale * (2.0f / float(g.K));
  float sum = 0.0f;
  bool beaten = label_y != label_y;
  for (int k = lane; k < g.K; k += kLanes) {
    const float v = simt::to_float(row[k]), error = v - labels.onehot(k);
    beaten = beaten || beats(v, k, label_y, label);
    sum += error * error;
    if (drow != nullptr) drow[k] = simt::from_float<Element>(slope * error);
  }
  sum = warp_sum<kLanes>(sum);
  if constexpr (kLanes > 1) beaten = __any_sync(simt::kFullMask, beaten);
  if (lane == 0) t.loss = sum / float(g.K), t.rows = 1, t.right = int(!beaten);
  return t;
}

template <class Config, class Element>
__global__ void __launch_bounds__(Config::kThreads) mse_rows(MseParams<Element> g, TotalsParams out) {
  const int64_t n = int64_t(blockIdx.x) * Config::kRows + threadIdx.x / Config::kLanes;
  Totals t;
  if (n < g.N) t = mse_row<Config::kLanes>(g, n, int(threadIdx.x) % Config::kLanes);
  write_totals<Config::kThreads>(out, t);
}

}  // namespace gabor::kernels
