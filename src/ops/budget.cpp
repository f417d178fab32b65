#include "ops/budget.h"

#include <algorithm>

#include "core/error.h"

namespace gabor {
namespace {
double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
}  // namespace

double operand_rounding(const std::string& math) {
  if (math == "fp32" || math == "fp64") return 0;
  if (math == "tf32") return 0x1p-10;
  if (math == "fp16") return 0x1p-11;
  if (math == "bf16") return 0x1p-8;
  fail(ErrorCode::internal, "Traits::math", "'{}' has no error budget", math);
}

double storage_error(DType type, double value) {
  if (type == DType::f32) return 0;
  const bool half = type == DType::f16;
  const double u = half ? 0x1p-11 : 0x1p-8, smallest = half ? 0x1p-24 : 0x1p-133;
  const double largest = half ? 65504 : 0x1.fep127, size = std::fabs(value);
  if (!(size <= largest)) return std::numeric_limits<double>::infinity();
  return std::min(size, std::max(u * size, smallest / 2));
}

double lipschitz(const Activation& a) {
  switch (a.kind) {
    case ActivationKind::none:
    case ActivationKind::relu:
    case ActivationKind::tanh:
      return 1;
    case ActivationKind::leaky_relu:
    case ActivationKind::elu:
      return std::max(1.0, std::fabs(double(a.alpha)));
    case ActivationKind::sigmoid:
      return 0.25;
    case ActivationKind::silu:  // largest slope 1.0998 at x = 2.40
      return 1.1;
    case ActivationKind::gelu:  // largest slope 1.1290 at x = sqrt(2)
      return 1.13;
  }
  return 1;
}

double activation_error(const Activation& a, double x) {
  const double y = std::fabs(activate(a, x));
  // Where e^-x overflows or the result is denormal, float may give 0: at most one smallest normal number.
  const double underflow = FLT_MIN * (1 + std::min(std::fabs(x), 200.0));
  switch (a.kind) {
    case ActivationKind::none:
    case ActivationKind::relu:
      return 0;
    case ActivationKind::leaky_relu:
      return kU * y + underflow;
    case ActivationKind::elu:
      // alpha (e^x - 1): the error of e^x is not made smaller by the subtraction.
      return x < 0 ? kU * (std::fabs(a.alpha) * (kExpUlps * std::exp(x) + 1) + 2 * y) + underflow : 0;
    case ActivationKind::sigmoid:
      // 1 / (1 + e^-x): e^-x weighs e^-x / (1 + e^-x) <= 1; one rounding each for sum and quotient.
      return kU * y * (kExpUlps + 3) + underflow;
    case ActivationKind::tanh:
      return kU * y * (2 * kTanhUlps) + underflow;
    case ActivationKind::silu:
      return kU * y * (kExpUlps + 4) + underflow;
    case ActivationKind::gelu:
      // x/2 (1 + erf(x/sqrt 2)): for x < 0 the sum cancels, and the error of erf stays as it is.
      return kU * std::fabs(x) * (kErfUlps / 2 + 2) + underflow;
  }
  return 0;
}

double slope_error(const Activation& a, double x, double y) {
  switch (a.kind) {
    case ActivationKind::none:
    case ActivationKind::relu:
    case ActivationKind::leaky_relu:
      return 0;
    case ActivationKind::elu:
      return kU * (std::fabs(y) + std::fabs(a.alpha));
    case ActivationKind::sigmoid:
      return 4 * kU * std::fabs(y);
    case ActivationKind::tanh:
      return 4 * kU;  // 1 - y^2 near |y| = 1 loses the digits of y^2
    case ActivationKind::silu: {
      const double s = sigmoid(x);
      return kU * s * (1 + std::fabs(x)) * (2 * kExpUlps + 8) + FLT_MIN * (1 + std::fabs(x));
    }
    case ActivationKind::gelu: {
      // Phi as in activation_error; the exponent x^2/2 of the density is rounded before exp.
      const double pdf = std::exp(-0.5 * x * x) / std::sqrt(2 * 3.14159265358979323846);
      return kU * (kErfUlps / 2 + 3 + std::fabs(x) * pdf * (kExpUlps + 6 + 2 * x * x)) + FLT_MIN;
    }
  }
  return 0;
}

}  // namespace gabor
