// The fused first block in double precision, as the formulas read, with the rounding budget of every number.
#pragma once
#include <cmath>
#include <cstdint>
#include <vector>

#include "core/philox.h"
#include "core/problem/first_block.h"

namespace gabor::test {

// |computed - exact| <= gamma_n * (sum of the magnitudes of the terms), whatever the order of n roundings.
inline double gamma(double n) {
  const double u = 0x1p-24;
  return n * u / (1 - n * u);
}

struct FirstBlockData {
  FirstBlockProblem problem;
  std::vector<float> x_f32;
  std::vector<uint8_t> x_u8;
  std::vector<float> w, b, dy;

  const void* x() const {
    return problem.input == DType::u8 ? static_cast<const void*>(x_u8.data()) : x_f32.data();
  }
  // Normalised input; 0 in the padding. magnitude: that of the terms it is the sum of.
  double value(int64_t n, int64_t h, int64_t w_, int64_t c, double* magnitude) const {
    const auto& p = problem.conv;
    *magnitude = 0;
    if (h < 0 || h >= p.H || w_ < 0 || w_ >= p.W) return 0;
    const int64_t i = ((n * p.H + h) * p.W + w_) * p.C + c;
    if (problem.input == DType::f32) return *magnitude = std::fabs(double(x_f32[i])), double(x_f32[i]);
    const double scaled = double(x_u8[i]) * double(problem.normalize.scale[c]),
                 shift = problem.normalize.shift[c];
    *magnitude = std::fabs(scaled) + std::fabs(shift);
    return scaled + shift;
  }
};

struct Budgeted {
  double value = 0, budget = 0;
};

// The convolution at (p,q), k, before relu.
inline Budgeted convolve_at(const FirstBlockData& data, int64_t n, int64_t p, int64_t q, int64_t k) {
  const auto& c = data.problem.conv;
  double sum = data.b.empty() ? 0 : data.b[k], magnitude = std::fabs(sum);
  for (int64_t r = 0; r < c.R; r++)
    for (int64_t s = 0; s < c.S; s++)
      for (int64_t ch = 0; ch < c.C; ch++) {
        double m;
        const double x = data.value(n, p + r - c.pad.top, q + s - c.pad.left, ch, &m);
        const double w = data.w[((k * c.R + r) * c.S + s) * c.C + ch];
        sum += w * x, magnitude += std::fabs(w) * m;
      }
  return {sum, gamma(double(c.R * c.S * c.C) + 3) * magnitude};
}

// Winner codes as backends/cpu/first_block/kernels.h has them, by (n,p,q,k); dw and db given those winners.
struct Gradients {
  std::vector<Budgeted> dw, db;
};
inline Gradients gradients(const FirstBlockData& data, const std::vector<uint8_t>& codes) {
  const auto& c = data.problem.conv;
  const int64_t P = data.problem.pool.P(), Q = data.problem.pool.Q();
  Gradients out{std::vector<Budgeted>(data.w.size()), std::vector<Budgeted>(size_t(c.K))};
  std::vector<double> terms(size_t(c.K), 3);
  for (int64_t i = 0; i < c.N * P * Q * c.K; i++) {
    if (codes[i] == 4) continue;
    const int64_t k = i % c.K, q = i / c.K % Q, p = i / c.K / Q % P, n = i / c.K / Q / P;
    const double g = data.dy[i];
    terms[k]++;
    out.db[k].value += g, out.db[k].budget += std::fabs(g);
    for (int64_t r = 0; r < c.R; r++)
      for (int64_t s = 0; s < c.S; s++)
        for (int64_t ch = 0; ch < c.C; ch++) {
          double m;
          const double x = data.value(n, 2 * p + codes[i] / 2 + r - c.pad.top,
                                      2 * q + codes[i] % 2 + s - c.pad.left, ch, &m);
          Budgeted& to = out.dw[((k * c.R + r) * c.S + s) * c.C + ch];
          to.value += g * x, to.budget += std::fabs(g) * m;
        }
  }
  const int64_t reduction = c.R * c.S * c.C;
  for (size_t i = 0; i < out.dw.size(); i++) out.dw[i].budget *= gamma(terms[i / reduction]);
  for (size_t k = 0; k < out.db.size(); k++) out.db[k].budget *= gamma(terms[k]);
  return out;
}

inline FirstBlockProblem first_block(const Conv2dProblem& conv, DType input) {
  FirstBlockProblem p;
  p.conv = conv, p.input = input;
  p.conv.activation.kind = ActivationKind::relu;
  p.pool.N = conv.N, p.pool.H = conv.P(), p.pool.W = conv.Q(), p.pool.C = conv.K;
  if (input == DType::u8) p.normalize = {{0.017f, 0.018f, 0.0175f, 0.01f}, {-2.1f, -2.0f, -1.8f, 0.25f}};
  return p;
}

// integers: small whole numbers, so that every sum is exact in float (and ties abound).
inline FirstBlockData random_data(const FirstBlockProblem& problem, uint64_t seed, bool integers,
                                  bool bias = true) {
  Random random({seed, Purpose::test});
  FirstBlockData d;
  d.problem = problem;
  const auto draw = [&] { return integers ? float(int(random.below(7)) - 3) : random.normal(); };
  if (problem.input == DType::u8) {
    d.x_u8.resize(size_t(problem.conv.x_shape().count()));
    for (auto& v : d.x_u8) v = uint8_t(random.below(256));
    if (integers) d.problem.normalize = {{1, 1, 1, 1}, {-128, -120, -100, -1}};
  } else {
    d.x_f32.resize(size_t(problem.conv.x_shape().count()));
    for (auto& v : d.x_f32) v = draw();
  }
  d.w.resize(size_t(problem.conv.w_shape().count()));
  for (auto& v : d.w) v = draw();
  if (bias) d.b.resize(size_t(problem.conv.K));
  for (auto& v : d.b) v = draw();
  d.dy.resize(size_t(problem.pool.y_shape().count()));
  for (auto& v : d.dy) v = draw();
  return d;
}

}  // namespace gabor::test
