// Element-wise activations.
#pragma once
#include <cstdint>
#include <string_view>

namespace gabor {

enum class ActivationKind : uint8_t { none, relu, leaky_relu, elu, sigmoid, tanh, silu, gelu };

struct Activation {
  ActivationKind kind = ActivationKind::none;
  float alpha = 0;  // leaky_relu: slope below 0 (default 0.01); elu: scale (default 1)
  friend bool operator==(const Activation&, const Activation&) = default;
};

// y = f(x). relu(NaN) = NaN: a broken number is never hidden.
//   relu max(x,0) | leaky_relu x<0 ? alpha x : x | elu x<0 ? alpha (e^x - 1) : x | sigmoid | tanh
//   silu x sigmoid(x) | gelu x Phi(x), exact by erf
double activate(const Activation& a, double x);
const char* name_of(ActivationKind kind);
bool parse_activation(std::string_view name,
                      Activation& out);  // with the kind's default alpha; false: unknown name

// Whether the derivative can be had from y alone (all but silu and gelu). Then x need not be kept.
constexpr bool derivative_from_output(ActivationKind kind) {
  return kind != ActivationKind::silu && kind != ActivationKind::gelu;
}

// What the epilogue of every kernel can do.
constexpr bool none_or_relu(const Activation& a) {
  return a.kind == ActivationKind::none || a.kind == ActivationKind::relu;
}

struct ActivationProblem {
  int64_t count = 0;
  Activation activation;
};

}  // namespace gabor
