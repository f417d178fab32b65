// Batch normalisation, rung 1: a thread a channel for what is summed, a thread an element for what is mapped.
//
// x, y, dy, dx: rows,C; the others C; any alignment. Formulas: formulas.cuh.
// Sums: a thread walks down its channel, C elements a step; neighbouring threads own neighbouring channels, so that
// accesses coalesce, but C threads fill no card: this is the rung to read, and for a handful of rows. The variance is
// the two-pass one, corrected by the sum of the deviations, which is 0 but for rounding (Chan, Golub, LeVeque, as in
// forward.cuh). No shared memory; at most 42 registers.
// Bytes: x 3 times (twice if the statistics find it in L2) and y once; backward x and dy twice, dx once. FLOPs: about 8
// a float of forward, 12 of backward: DRAM-bound on an H200 (turns at 14 FLOP/byte) and on a GTX 1660 Ti (19), if there
// were threads enough; with few, bound by the latency of one load a row.
#pragma once
#include "kernels/batchnorm/formulas.cuh"

namespace gabor::kernels::batchnorm {

struct NaiveConfig {
  static constexpr int kThreads = 128;
  static_assert(kThreads % 32 == 0);
};

template <class Config, class Element>
__global__ void __launch_bounds__(Config::kThreads)
    statistics_naive(StatisticsParams p, int64_t C, const Element* x) {
  const int64_t c = int64_t(blockIdx.x) * Config::kThreads + threadIdx.x;
  if (c >= C) return;
  float sum = 0.0f;
  for (int64_t row = 0; row < p.rows; ++row) sum += simt::to_float(x[row * C + c]);
  const float mean = sum / float(p.rows);
  float deviations = 0.0f, squares = 0.0f;
  for (int64_t row = 0; row < p.rows; ++row) {
    const float d = simt::to_float(x[row * C + c]) - mean;
    deviations += d;
    squares += d * d;
  }
  const float m2 = squares - deviations * (deviations / float(p.rows));
  store_statistics(p, c, mean, m2 < 0.0f ? 0.0f : m2);
}

template <class Config, class Element>
__global__ void __launch_bounds__(Config::kThreads)
    apply_naive(ApplyParams p, int64_t count, int64_t C, const Element* x, Element* y) {
  const int64_t i = int64_t(blockIdx.x) * Config::kThreads + threadIdx.x;
  if (i >= count) return;
  const ChannelMap f = channel_map(p, i % C);
  y[i] = simt::from_float<Element>(f(simt::to_float(x[i])));
}

template <class Config, class Element>
__global__ void __launch_bounds__(Config::kThreads)
    parameter_gradients_naive(ParameterGradients p, int64_t C, const float* mean, const float* rstd,
                              const Element* x, const Element* dy) {
  const int64_t c = int64_t(blockIdx.x) * Config::kThreads + threadIdx.x;
  if (c >= C) return;
  float dgamma = 0.0f, dbeta = 0.0f;
  for (int64_t i = c; i < p.rows * C; i += C) {
    const float d = simt::to_float(dy[i]);
    dgamma += d * ((simt::to_float(x[i]) - mean[c]) * rstd[c]);
    dbeta += d;
  }
  store_gradients(p, c, dgamma, dbeta);
}

template <class Config, class Element>
__global__ void __launch_bounds__(Config::kThreads)
    input_gradient_naive(InputGradientParams p, int64_t count, int64_t C, const Element* x, const Element* dy,
                         Element* dx, bool accumulate) {
  const int64_t i = int64_t(blockIdx.x) * Config::kThreads + threadIdx.x;
  if (i >= count) return;
  const ChannelGradient f = channel_gradient(p, i % C);
  const float gradient = f(simt::to_float(x[i]), simt::to_float(dy[i]));
  dx[i] = simt::from_float<Element>(accumulate ? simt::to_float(dx[i]) + gradient : gradient);
}

}  // namespace gabor::kernels::batchnorm
