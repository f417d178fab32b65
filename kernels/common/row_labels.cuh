// What the losses of classes read of labels: one to a row, or two with a weight (the contract is ops/loss.h).
#pragma once
#include "kernels/simt/gpu.h"

namespace gabor::kernels {

// The target, before smoothing, is weight onehot(first) + (1 - weight) onehot(second).
struct RowLabels {
  int first, second;  // the same where there is one label
  float weight;       // a multiple of 2^-16, so that 1 - weight is exact

  __device__ bool counts() const { return first != -1; }
  __device__ bool valid(int K) const {
    return first >= 0 && first < K && second >= 0 && second < K && weight >= 0.0f && weight <= 1.0f;
  }
  __device__ float onehot(int k) const {
    return (k == first ? weight : 0.0f) + (k == second ? 1.0f - weight : 0.0f);
  }
};

// labels: N, or N,3 with two: first, second, weight in 65536ths.
__device__ inline RowLabels row_labels(const int32_t* labels, int64_t n, bool two) {
  if (!two) return {labels[n], labels[n], 1.0f};
  return {labels[3 * n], labels[3 * n + 1], float(labels[3 * n + 2]) * 0x1p-16f};
}

}  // namespace gabor::kernels
