// The functions that elementwise_loop applies. The kind of an activation is looked at at run time: the branch is the
// same for all threads and hides behind the memory, and a kernel a kind would be eight times the code.
#pragma once
#include "core/problem/activation.h"
#include "kernels/simt/gpu.h"

namespace gabor::kernels {

__device__ inline float sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }
__device__ inline float normal_cdf(float x) { return 0.5f * (1.0f + erff(x * 0.70710678f)); }
__device__ inline float normal_pdf(float x) { return 0.39894228f * expf(-0.5f * x * x); }

// y = f(x)
struct ActivationFunction {
  static constexpr int kInputs = 1;
  ActivationKind kind;
  float alpha;

  __device__ float operator()(const float (&in)[1]) const {
    const float x = in[0];
    switch (kind) {
      case ActivationKind::none:
        return x;
      case ActivationKind::relu:
        return x <= 0.0f ? 0.0f : x;  // NaN stays
      case ActivationKind::leaky_relu:
        return x < 0.0f ? alpha * x : x;
      case ActivationKind::elu:
        return x < 0.0f ? alpha * expm1f(x) : x;
      case ActivationKind::sigmoid:
        return sigmoid(x);
      case ActivationKind::tanh:
        return tanhf(x);
      case ActivationKind::silu:
        return x * sigmoid(x);
      case ActivationKind::gelu:
        return x * normal_cdf(x);
    }
    return x;
  }
};

// f'(x), from y = f(x) where that will do: v is y or x as derivative_from_output(kind) says.
__device__ inline float activation_slope(ActivationKind kind, float alpha, float v) {
  switch (kind) {
    case ActivationKind::none:
      return 1.0f;
    case ActivationKind::relu:
      return v <= 0.0f ? 0.0f : 1.0f;
    case ActivationKind::leaky_relu:
      return v < 0.0f ? alpha : 1.0f;
    case ActivationKind::elu:
      return v < 0.0f ? v + alpha : 1.0f;
    case ActivationKind::sigmoid:
      return v * (1.0f - v);
    case ActivationKind::tanh:
      return (1.0f - v) * (1.0f + v);
    case ActivationKind::silu: {
      const float s = sigmoid(v);
      return s * (1.0f + v * (1.0f - s));
    }
    case ActivationKind::gelu:
      return normal_cdf(v) + v * normal_pdf(v);
  }
  return 1.0f;
}

// in: y or x; dy; and for kAccumulate what dx was.
template <bool kAccumulate>
struct ActivationGradient {
  static constexpr int kInputs = kAccumulate ? 3 : 2;
  ActivationKind kind;
  float alpha;

  __device__ float operator()(const float (&in)[kInputs]) const {
    const float d = in[1] * activation_slope(kind, alpha, in[0]);
    if constexpr (kAccumulate) return in[2] + d;
    return d;
  }
};

struct Sum {
  static constexpr int kInputs = 2;
  __device__ float operator()(const float (&in)[2]) const { return in[0] + in[1]; }
};

}  // namespace gabor::kernels
