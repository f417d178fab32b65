// What a kernel does with a finished sum before it is stored: functors passed to the kernel, so that a bias, an
// activation or the addition to an old gradient costs no pass over memory of its own.
//   float operator()(float sum, int64_t column, float old)   column: output channel; old: what the output holds
//   bool reads_old()    whether `old` has to be loaded; the same in all threads
//   kLong               whether the code is too long to be unrolled over a thread's tile
#pragma once
#include "core/problem/activation.h"
#include "kernels/simt/gpu.h"

namespace gabor::kernels {

// f(v) as core/problem/activation.h defines it. NaN stays NaN.
__device__ inline float activate(Activation a, float v) {
  switch (a.kind) {
    case ActivationKind::none:
      return v;
    case ActivationKind::relu:
      return v <= 0.0f ? 0.0f : v;
    case ActivationKind::leaky_relu:
      return v < 0.0f ? a.alpha * v : v;
    case ActivationKind::elu:
      return v < 0.0f ? a.alpha * expm1f(v) : v;
    case ActivationKind::sigmoid:
      return 1.0f / (1.0f + expf(-v));
    case ActivationKind::tanh:
      return tanhf(v);
    case ActivationKind::silu:
      return v / (1.0f + expf(-v));
    case ActivationKind::gelu:
      return v * (0.5f * erfcf(v * -0.70710678118654752f));
  }
  return v;
}

// ReLU's derivative, from its output. It is multiplied with, so that an infinite gradient does not vanish in silence.
__device__ inline float relu_slope(float y) { return y <= 0.0f ? 0.0f : 1.0f; }

// Activations of two straight pieces: none, relu and leaky_relu, which need no switch.
struct BiasTwoPieces {
  static constexpr bool kLong = false;
  const float* b;  // one a column; null: none
  float slope;     // below 0: 1 for none, 0 for relu

  static bool can(ActivationKind kind) { return kind <= ActivationKind::leaky_relu; }
  static BiasTwoPieces make(const float* b, Activation a) {
    return {b, a.kind == ActivationKind::none ? 1.0f : a.kind == ActivationKind::relu ? 0.0f : a.alpha};
  }
  __device__ bool reads_old() const { return false; }
  __device__ float operator()(float sum, int64_t column, float) const {
    const float v = b ? sum + b[column] : sum;
    // relu of minus infinity is 0, which the product would make NaN
    return v < 0.0f ? (slope == 0.0f ? 0.0f : slope * v) : v;
  }
};

struct BiasActivation {
  static constexpr bool kLong = true;
  const float* b;  // one a column; null: none
  Activation activation;

  __device__ bool reads_old() const { return false; }
  __device__ float operator()(float sum, int64_t column, float) const {
    return activate(activation, b ? sum + b[column] : sum);
  }
};

// out = sum, or out += sum.
struct Gradient {
  static constexpr bool kLong = false;
  bool accumulate;

  __device__ bool reads_old() const { return accumulate; }
  __device__ float operator()(float sum, int64_t, float old) const { return accumulate ? old + sum : sum; }
};

static_assert(ActivationKind::none < ActivationKind::relu &&
              ActivationKind::relu < ActivationKind::leaky_relu &&
              ActivationKind::leaky_relu < ActivationKind::elu);

}  // namespace gabor::kernels
