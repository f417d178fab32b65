#include "kernels/elementwise/elementwise.h"
#include "kernels/elementwise/skewed.h"
#include "kernels/problem_count.h"

namespace gabor::kernels {
namespace {

using namespace kernel_tests;
using gabor::gamma;
using gabor::kErfUlps;
using gabor::kExpUlps;
using gabor::kU;

struct Value {
  double value, error;  // error: of the textbook formula evaluated in float
};

double cdf(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }
double pdf(double x) { return std::exp(-0.5 * x * x) / std::sqrt(2 * 3.14159265358979323846); }
double logistic(double x) { return 1 / (1 + std::exp(-x)); }

// f(x) of core/problem/activation.h. Where e^-x overflows or a result is denormal, float may give 0.
Value activated(const Activation& a, double x) {
  const double denormal = FLT_MIN * (1 + std::min(std::fabs(x), 200.0));
  switch (a.kind) {
    case ActivationKind::none:
      return {x, 0};
    case ActivationKind::relu:
      return {x <= 0 ? 0 : x, 0};
    case ActivationKind::leaky_relu:
      return x < 0 ? Value{double(a.alpha) * x, kU * std::fabs(a.alpha * x) + denormal} : Value{x, 0};
    case ActivationKind::elu: {
      const double y = double(a.alpha) * std::expm1(x);
      return x < 0 ? Value{y, (kExpUlps + 1) * kU * std::fabs(y) + denormal} : Value{x, 0};
    }
    case ActivationKind::sigmoid:
      return {logistic(x), kU * logistic(x) * (kExpUlps + 3) + denormal};
    case ActivationKind::tanh:
      return {std::tanh(x), 4 * kU * std::fabs(std::tanh(x)) + denormal};
    case ActivationKind::silu:
      return {x * logistic(x), kU * std::fabs(x * logistic(x)) * (kExpUlps + 4) + denormal};
    case ActivationKind::gelu:  // for x < 0 the sum 1 + erf cancels, and the error of erf stays as it is
      return {x * cdf(x), kU * std::fabs(x) * (kErfUlps / 2 + 2) + denormal};
  }
  return {x, 0};
}

// f'(x); v is y where derivative_from_output, else x.
Value slope(const Activation& a, double v) {
  switch (a.kind) {
    case ActivationKind::none:
      return {1, 0};
    case ActivationKind::relu:
      return {v <= 0 ? 0.0 : 1.0, 0};
    case ActivationKind::leaky_relu:
      return {v < 0 ? double(a.alpha) : 1, 0};
    case ActivationKind::elu:
      return v < 0 ? Value{v + double(a.alpha), kU * (std::fabs(v) + std::fabs(a.alpha))} : Value{1, 0};
    case ActivationKind::sigmoid:
      return {v * (1 - v), 4 * kU * std::fabs(v) * (1 + std::fabs(v))};
    case ActivationKind::tanh:
      return {(1 - v) * (1 + v), 4 * kU * (1 + v * v)};
    case ActivationKind::silu: {
      const double s = logistic(v);
      return {s * (1 + v * (1 - s)),
              kU * s * (1 + std::fabs(v)) * (2 * kExpUlps + 8) + FLT_MIN * (1 + std::fabs(v))};
    }
    case ActivationKind::gelu:  // the exponent x^2/2 of the density is rounded before exp
      return {cdf(v) + v * pdf(v),
              kU * (kErfUlps / 2 + 3 + std::fabs(v) * pdf(v) * (kExpUlps + 6 + 2 * v * v)) + FLT_MIN};
  }
  return {1, 0};
}

std::vector<float> inputs(Rng& rng, int count, bool special) {
  std::vector<float> x;
  const float spread = below(rng, 3) == 0 ? 100.0f : 4.0f;
  for (int i = 0; i < count; ++i) {
    x.push_back(uniform(rng, -spread, spread));
    if (special && below(rng, 4) == 0)
      x.back() = std::vector<float>{
          NAN, INFINITY, -INFINITY, -0.0f, 0.0f, 1e-42f, 1e30f, -1e30f}[size_t(below(rng, 8))];
  }
  return x;
}

template <class Element>
void check(Rng& rng, int index, bool special) {
  Activation a{ActivationKind(index % 8), 0};
  if (a.kind == ActivationKind::leaky_relu) a.alpha = 0.01f;
  if (a.kind == ActivationKind::elu) a.alpha = uniform(rng, 0.5f, 1.5f);
  const int count = between(rng, 1, 70) + (index % 16 == 0 ? 1024 : 0);  // now and then, more than a block
  const bool accumulate = below(rng, 2) == 0, in_place = below(rng, 3) == 0;
  SCOPED_TRACE("kind " + std::to_string(index % 8) + " count " + std::to_string(count) +
               (accumulate ? " accumulate" : "") + (in_place ? " in place" : ""));
  const ActivationProblem p{count, a};

  const std::vector<Element> x_host = stored<Element>(inputs(rng, count, special));
  Skewed<Element> x(x_host, random_skew(rng), "x"),
      y(unwritten<Element>(size_t(count)), random_skew(rng), "y");
  activation_forward(p, kStorageOf<Element>, x.data(), in_place ? x.data() : y.data(), nullptr);
  Expected want_y;
  for (double v : widened(x_host)) {
    const Value f = activated(a, v);
    want_y.add(f.value, f.error + storage_error<Element>(f.value));
  }
  expect_within(in_place ? x.values() : y.values(), want_y, "y");

  // What backward reads is an output of f where it reads y. An infinite dy times a slope that underflows is left out.
  std::vector<float> read_values, dy_values = inputs(rng, count, special);
  for (size_t i = 0; i < dy_values.size(); ++i) {
    read_values.push_back(derivative_from_output(a.kind) ? float(want_y.value[i])
                                                         : simt::to_float(x_host[i]));
    if (std::isinf(dy_values[i])) dy_values[i] = NAN;
  }
  const std::vector<Element> read_host = stored<Element>(read_values), dy_host = stored<Element>(dy_values);
  const std::vector<Element> before = stored<Element>(inputs(rng, count, false));
  const bool overwrite_dy = in_place && !accumulate;
  Skewed<Element> read(read_host, random_skew(rng), "x_or_y"), dy(dy_host, random_skew(rng), "dy"),
      dx(before, random_skew(rng), "dx");
  activation_backward(p, kStorageOf<Element>, read.data(), dy.data(), overwrite_dy ? dy.data() : dx.data(),
                      accumulate, nullptr);
  const std::vector<double> d = widened(dy_host), b = widened(before), at = widened(read_host);
  Expected want_dx;
  for (size_t i = 0; i < d.size(); ++i) {
    const Value f = slope(a, at[i]);
    const double start = accumulate ? b[i] : 0, value = start + d[i] * f.value;
    want_dx.add(value, std::fabs(d[i]) * f.error + gamma(3) * (std::fabs(start) + std::fabs(d[i] * f.value)) +
                           FLT_MIN + storage_error<Element>(value));
  }
  expect_within(overwrite_dy ? dy.values() : dx.values(), want_dx, "dx");
}

// Problems of every kind: `each` of them.
void report(const std::string& storage, int each) {
  constexpr const char* kKinds[] = {"none", "relu", "leaky_relu", "elu", "sigmoid", "tanh", "silu", "gelu"};
  for (const char* kind : kKinds)
    for (const char* pass : {" forward", " backward"})
      report_problems("activation " + storage + kind + pass, each);
}

TEST(ActivationKernels, RandomShapes) {
  Rng rng(100 + seed_of_this_run());
  for (int i = 0; i < 1024; ++i) check<float>(rng, i, false);
  report("f32 ", 1024 / 8);
}

TEST(ActivationKernels, SpecialValues) {
  Rng rng(200 + seed_of_this_run());
  for (int i = 0; i < 512; ++i) check<float>(rng, i, true);
}

TEST(ActivationKernels, StorageInHalves) {
  Rng rng(300 + seed_of_this_run());
  constexpr int kEach = 84;
  for (int i = 0; i < 8 * kEach; ++i) {
    check<simt::half>(rng, i, false);
    check<simt::bfloat16>(rng, i, false);
  }
  report("f16 ", kEach);
  report("bf16 ", kEach);
}

}  // namespace
}  // namespace gabor::kernels
