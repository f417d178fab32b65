// What both rungs share: the formulas of one row. With m = max_k y[k], z = sum_k exp(y[k] - m), l the label and e the
// smoothing (of two labels l and l' of weights w and 1-w: w (m - y[l]) + (1-w) (m - y[l']) for m - y[l], and likewise for
// [k = l]):
//   loss  = log z + (1-e) (m - y[l]) + e/K sum_k (m - y[k])
//         (= sum_k target[k] (log z + m - y[k]); all terms are >= 0, so nothing cancels)
//   dy[k] = scale (exp(y[k] - m) / z - target[k]),   target[k] = (1-e) [k = l] + e/K
#pragma once
#include "kernels/common/row_labels.cuh"
#include "kernels/simt/gpu.h"

namespace gabor::kernels {

template <class Element>
struct SoftmaxXentParams {
  int64_t N;
  int K;
  float smoothing, scale;
  const Element* y;
  const int32_t* labels;
  Element* dy;
  bool two_labels;
};

// A label of weight 0 takes no part: 0 times an infinite gap is not to become NaN.
__device__ inline float label_gap(float weight, float max, float label_logit, float other_logit) {
  const float first = weight > 0.0f ? weight * (max - label_logit) : 0.0f;
  return weight < 1.0f ? first + (1.0f - weight) * (max - other_logit) : first;
}

__device__ inline float row_loss(float sum, float label_gap, float mean_gap, float smoothing) {
  const float loss = logf(sum) + (1.0f - smoothing) * label_gap;
  // Without smoothing the other classes take no part: 0 times an infinite gap is not to become NaN.
  return smoothing > 0.0f ? loss + smoothing * mean_gap : loss;
}

__device__ inline float logit_gradient(float exp_of_gap, float inverse_sum, float onehot, float smoothing,
                                       int K, float scale) {
  const float target = (1.0f - smoothing) * onehot + smoothing / float(K);
  return scale * (exp_of_gap * inverse_sum - target);
}

}  // namespace gabor::kernels
