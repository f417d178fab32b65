// What a block does with its rows (rows.cuh) in a dense layer, each way, and in the loss. All threads call; there is a barrier
// at the end of each.
#pragma once
#include "kernels/common/epilogue.cuh"
#include "kernels/common/pack.h"
#include "kernels/common/unroll.cuh"
#include "kernels/common/warp_reduce.cuh"
#include "kernels/head/params.cuh"
#include "kernels/softmax_xent/warp.cuh"

namespace gabor::kernels::head {

// parts, of the sums of `elements` each.
struct Parts {
  int count, elements;

  __device__ float sum(const float* scratch, int i) const {
    float total = scratch[i];
    for (int part = 1; part < count; ++part) total += scratch[part * elements + i];
    return total;
  }
};

// y = act(w x + b), as quads and in memory.
template <class Config>
__device__ inline void forward_layer(const Layer& l, const Share& share, const float* x, float* y,
                                     float* scratch) {
  constexpr int kRows = Config::kRows, kOutputs = Config::kOutputs;
  const int lane = int(threadIdx.x) % 32, groups = simt::ceil_div(l.K, kOutputs);
  const Parts parts{max(1, Config::kWarps / groups), kRows * l.K};
  const int length = simt::ceil_div(l.C, parts.count);
  for (int job = int(threadIdx.x) / 32; job < groups * parts.count; job += Config::kWarps) {
    const int k0 = job % groups * kOutputs, part = job / groups, end = min(l.C, (part + 1) * length);
    float sum[kOutputs * kRows] = {};
#pragma unroll 4  // so many loads of each output at once
    for (int c = part * length + lane; c < end; c += 32) {
      float rows[kRows];
      load_floats(x + kRows * c, rows);
      GABOR_UNROLL
      for (int k = 0; k < kOutputs; ++k) {
        // Outputs that are not there are the last one again, and their sums go nowhere.
        const float w = l.w[int64_t{min(k0 + k, l.K - 1)} * l.C + c];
        GABOR_UNROLL
        for (int r = 0; r < kRows; ++r) sum[k * kRows + r] += w * rows[r];
      }
    }
    const float total = warp_sums(sum);
    if (lane < kOutputs * kRows && k0 + lane / kRows < l.K)
      scratch[part * parts.elements + k0 * kRows + lane] = total;
  }
  __syncthreads();
  for (int i = int(threadIdx.x); i < kRows * l.K; i += Config::kThreads) {
    float v = parts.sum(scratch, i);
    if (l.b != nullptr) v += l.b[i / kRows];
    if (l.relu) v = v <= 0.0f ? 0.0f : v;  // NaN stays
    y[i] = v;
    store_rows<Config>(l.y, l.K, share, i, v);
  }
  __syncthreads();
}

// Logits (quads) become their gradients, also in memory. Returns Totals of the rows in some threads, none in the others.
template <class Config>
__device__ inline Totals loss_of_rows(const RowsParams& g, const Share& share, float* quads, float* scratch) {
  constexpr int kRows = Config::kRows;
  const Layer l = g.layer[g.layers - 1];
  float *logits = scratch, *dlogits = scratch + kRows * l.K;  // a row at a time
  for (int i = int(threadIdx.x); i < kRows * l.K; i += Config::kThreads)
    logits[i % kRows * l.K + i / kRows] = quads[i];
  __syncthreads();
  Totals t;
  const int row = int(threadIdx.x) / 32;
  if (row < share.rows) {
    const SoftmaxXentParams<float> rows{share.rows,  l.K,
                                        g.smoothing, g.scale,
                                        logits,      g.labels + share.first * (g.two_labels ? 3 : 1),
                                        dlogits,     g.two_labels};
    t = softmax_xent_row_by_warp(rows, row);
  }
  __syncthreads();
  for (int i = int(threadIdx.x); i < kRows * l.K; i += Config::kThreads) {
    quads[i] = i % kRows < share.rows ? dlogits[i % kRows * l.K + i / kRows] : 0.0f;
    store_rows<Config>(l.dz, l.K, share, i, quads[i]);
  }
  __syncthreads();
  return t;
}

// take(i, the gradient with respect to element i of the layer's x), from that of its outputs, as quads.
template <class Config, class Take>
__device__ inline void backward_layer(const Layer& l, const float* dz, float* scratch, Take take) {
  constexpr int kRows = Config::kRows;
  const int columns = simt::ceil_div(l.C, 32) * 32;  // so that a warp is in one part
  const Parts parts{max(1, Config::kThreads / columns), kRows * l.C};
  const int length = simt::ceil_div(l.K, parts.count);
  for (int job = int(threadIdx.x); job < columns * parts.count; job += Config::kThreads) {
    const int c = job % columns, part = job / columns, end = min(l.K, (part + 1) * length);
    if (c >= l.C) continue;
    float sum[kRows] = {};
#pragma unroll 8  // so many loads at once
    for (int k = part * length; k < end; ++k) {
      const float w = l.w[int64_t{k} * l.C + c];
      float rows[kRows];
      load_floats(dz + kRows * k, rows);
      GABOR_UNROLL
      for (int r = 0; r < kRows; ++r) sum[r] += w * rows[r];
    }
    store_floats(scratch + part * parts.elements + kRows * c, sum);
  }
  __syncthreads();
  for (int i = int(threadIdx.x); i < kRows * l.C; i += Config::kThreads) take(i, parts.sum(scratch, i));
  __syncthreads();
}

}  // namespace gabor::kernels::head
