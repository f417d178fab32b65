// Convolution in double, by one loop over all products, each counted to the result it belongs to: another way round than
// the kernels, which gather. Shapes as in core/problem/conv2d.h.
#pragma once
#include <cmath>
#include <string>
#include <vector>

#include "core/problem/conv2d.h"

namespace gabor::kernels::conv2d {

// Exact sums, the same sums over absolute values, and how many terms the longest has.
struct Sums {
  std::vector<double> value, magnitude;
  std::vector<double> addends;  // the part of magnitude that is no product: bias, old gradient
  double terms = 0;
  explicit Sums(int64_t count) : value(size_t(count)), magnitude(size_t(count)), addends(size_t(count)) {}
  void add(int64_t at, double product) {
    value[size_t(at)] += product;
    magnitude[size_t(at)] += std::fabs(product);
  }
  void add_addend(int64_t at, double term) {
    add(at, term);
    addends[size_t(at)] += std::fabs(term);
  }
};

// Elements of the tensors. (Shape would do, but is no part of what kernel tests link.)
inline int64_t x_count(const Conv2dProblem& p) { return p.N * p.H * p.W * p.C; }
inline int64_t w_count(const Conv2dProblem& p) { return p.K * p.reduction(); }
inline int64_t y_count(const Conv2dProblem& p) { return p.N * p.P() * p.Q() * p.K; }

// Calls f(x_offset, w_offset, y_offset) for every product of the convolution.
template <class F>
void for_each_product(const Conv2dProblem& p, F f) {
  const int64_t group_C = p.C / p.groups, group_K = p.K / p.groups;
  for (int64_t n = 0; n < p.N; ++n)
    for (int64_t i = 0; i < p.P(); ++i)
      for (int64_t j = 0; j < p.Q(); ++j)
        for (int64_t r = 0; r < p.R; ++r)
          for (int64_t s = 0; s < p.S; ++s) {
            const int64_t h = i * p.stride_h - p.pad.top + r * p.dil_h,
                          v = j * p.stride_w - p.pad.left + s * p.dil_w;
            if (h < 0 || h >= p.H || v < 0 || v >= p.W) continue;
            for (int64_t k = 0; k < p.K; ++k)
              for (int64_t c = 0; c < group_C; ++c)
                f(((n * p.H + h) * p.W + v) * p.C + k / group_K * group_C + c,
                  ((k * p.R + r) * p.S + s) * group_C + c, ((n * p.P() + i) * p.Q() + j) * p.K + k);
          }
}

// f(v) in double.
inline double activate_double(const Activation& a, double v) {
  switch (a.kind) {
    case ActivationKind::none:
      return v;
    case ActivationKind::relu:
      return v <= 0 ? 0 : v;
    case ActivationKind::leaky_relu:
      return v < 0 ? a.alpha * v : v;
    case ActivationKind::elu:
      return v < 0 ? a.alpha * std::expm1(v) : v;
    case ActivationKind::sigmoid:
      return 1 / (1 + std::exp(-v));
    case ActivationKind::tanh:
      return std::tanh(v);
    case ActivationKind::silu:
      return v / (1 + std::exp(-v));
    case ActivationKind::gelu:
      return 0.5 * v * std::erfc(-v / std::sqrt(2.0));
  }
  return v;
}

}  // namespace gabor::kernels::conv2d
