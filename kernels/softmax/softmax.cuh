// Softmax over the last axis, both rungs: kLanes threads own a row.
//   y[n,k] = exp(x[n,k] - m) / z,  m = max_k x[n,k],  z = sum_k exp(x[n,k] - m)
//   dx[n,k] (+)= y (dy - sum_j dy[n,j] y[n,j])
//
// x, y, dy, dx: N,K, any alignment. Lane l of a row owns its columns l, l + kLanes, ..., and alone reads and writes
// them, so that y may be x and dx may be dy. The idea of the warp (kLanes 32) over the thread (kLanes 1) is that
// accesses coalesce whatever K is, and that N = 100 rows are 3,200 threads; max and sums are five shuffles each. No
// shared memory; at most 52 registers.
// Bytes 2 sizeof(Element) an element (backward 3): the second and third read of a row come from L1 (4 KB for 1,000
// columns of float; 8 rows a block). FLOPs: two exp and 4 forward, 4 backward; with exp as 10 FLOP 3 FLOP/byte:
// DRAM-bound on an H200 (turns at 14) and on a GTX 1660 Ti (19). N=256, K=1000, float: 2 MB, 0.5 us at 4.3 TB/s (so:
// the launch) and 7 us at 288 GB/s.
#pragma once
#include "kernels/common/warp_reduce.cuh"

namespace gabor::kernels {

template <int kLanes_, int kThreads_>
struct SoftmaxConfig {
  static constexpr int kLanes = kLanes_;  // a row
  static constexpr int kThreads = kThreads_;
  static constexpr int kRows = kThreads / kLanes;  // a block
  // What lies between would leave lanes out of shuffles at the last rows.
  static_assert(kLanes == 1 || kLanes == 32);
  static_assert(kThreads % 32 == 0 && kThreads <= 1024);
};

template <class Config, class Element>
__global__ void __launch_bounds__(Config::kThreads)
    softmax_rows(int64_t N, int K, const Element* x, Element* y) {
  constexpr int kLanes = Config::kLanes;
  const int64_t n = int64_t(blockIdx.x) * Config::kRows + threadIdx.x / kLanes;
  if (n >= N) return;  // all lanes of a row alike
  const int lane = int(threadIdx.x) % kLanes;
  const Element* row = x + n * K;
  float max = -INFINITY;
  for (int k = lane; k < K; k += kLanes) max = fmaxf(max, simt::to_float(row[k]));
  max = warp_max<kLanes>(max);
  float sum = 0.0f;
  for (int k = lane; k < K; k += kLanes) sum += expf(simt::to_float(row[k]) - max);
  const float inverse = 1.0f / warp_sum<kLanes>(sum);
  for (int k = lane; k < K; k += kLanes)
    y[n * K + k] = simt::from_float<Element>(expf(simt::to_float(row[k]) - max) * inverse);
}

template <class Config, class Element>
__global__ void __launch_bounds__(Config::kThreads)
    softmax_gradient_rows(int64_t N, int K, const Element* y, const Element* dy, Element* dx,
                          bool accumulate) {
  constexpr int kLanes = Config::kLanes;
  const int64_t n = int64_t(blockIdx.x) * Config::kRows + threadIdx.x / kLanes;
  if (n >= N) return;
  const int lane = int(threadIdx.x) % kLanes;
  float dot = 0.0f;
  for (int64_t i = n * K + lane; i < (n + 1) * K; i += kLanes)
    dot += simt::to_float(dy[i]) * simt::to_float(y[i]);
  dot = warp_sum<kLanes>(dot);
  for (int64_t i = n * K + lane; i < (n + 1) * K; i += kLanes) {
    const float gradient = simt::to_float(y[i]) * (simt::to_float(dy[i]) - dot);
    dx[i] = simt::from_float<Element>(accumulate ? simt::to_float(dx[i]) + gradient : gradient);
  }
}

}  // namespace gabor::kernels
