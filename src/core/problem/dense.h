// Fully connected layer: y[n,k] = b[k] + sum over c of x[n,c] w[k,c]. x is N,C; w is K,C; b is K; y is N,K.
#pragma once
#include <cstdint>
#include <string>

#include "core/problem/activation.h"
#include "core/shape.h"

namespace gabor {

struct DenseProblem {
  int64_t N = 1, C = 1, K = 1;
  Activation activation;  // epilogue of fprop only, as in Conv2dProblem

  Shape x_shape() const { return {N, C}; }
  Shape w_shape() const { return {K, C}; }
  Shape b_shape() const { return {K}; }
  Shape y_shape() const { return {N, K}; }
  int64_t flops() const { return 2 * N * C * K; }
  friend bool operator==(const DenseProblem&, const DenseProblem&) = default;
};

std::string to_string(const DenseProblem& p);

}  // namespace gabor
