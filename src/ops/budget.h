// How far a right float result may lie from the double-precision oracle. Bounds, not tolerances: each follows
// from the number of roundings a float computation may make (Higham: Accuracy and Stability of Numerical
// Algorithms, 2nd ed., sections 2.2 and 3.1), so a result outside is wrong, whatever the order of its sums.
#pragma once
#include <cfloat>
#include <cmath>
#include <limits>
#include <string>

#include "core/problem/activation.h"
#include "core/shape.h"

namespace gabor {

constexpr double kU = 0x1p-24;  // unit roundoff of float

// gamma_n = n u / (1 - n u): relative error of n roundings in a row.
constexpr double gamma(double n) { return n * kU / (1 - n * kU); }

// A sum of n products whose absolute values add up to `magnitude`, in any order, with or without FMA; two
// roundings to spare for a bias and for what was there before. Unlimited where float may overflow on the way.
inline double sum_budget(double n, double magnitude) {
  if (!(magnitude < 0.9 * FLT_MAX)) return std::numeric_limits<double>::infinity();
  return gamma(n + 2) * magnitude + (n + 2) * FLT_MIN * kU;  // the last term: results that are denormal
}

// Largest relative change of an operand before it is multiplied, by Traits::math: 0 for fp32 and fp64. tf32 is taken as
// cut off, not rounded, for that is what the hardware may do with the surplus bits. Throws Error{internal} for an unknown
// name.
double operand_rounding(const std::string& math);

// What the rounding of a result of that size to the type of its tensor adds: 0 for f32, infinity where it may overflow.
double storage_error(DType type, double value);

// sum_budget where the operands of each product are rounded first, by `rounding` of their size; denormal ones by that of
// the smallest normal number, and then the other operand is taken to be 1 at most.
inline double product_budget(double n, double magnitude, double rounding) {
  const double sums = sum_budget(n, magnitude);
  return std::isinf(sums) ? sums
                          : sums + (2 * rounding + rounding * rounding) * magnitude + n * FLT_MIN * rounding;
}

// Ulps that a backend's own exp, log, tanh and erf may be wrong by. 4 covers Highway's and oneDNN's
// polynomials. oneDNN evaluates erf by formula 7.1.26 of Abramowitz and Stegun, whose error is 1.5e-7 of the
// largest value, 1 (2.6 u), before its own roundings.
constexpr double kExpUlps = 4, kTanhUlps = 4, kErfUlps = 8;

// |f| may change by this times the change of x.
double lipschitz(const Activation& a);
// Error of evaluating f at a float x by the textbook formula in float (activation.cpp of a backend).
double activation_error(const Activation& a, double x);
// Error of the slope f'(x), as activation_slope takes it (from y, or from x for silu and gelu).
double slope_error(const Activation& a, double x, double y);

}  // namespace gabor
