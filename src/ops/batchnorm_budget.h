// How far right results of batch normalisation may lie from the double-precision oracle (see ops/budget.h). What is
// allowed is what the good algorithms reach (two passes, Welford's updates, pairwise combination): with
// kappa = sqrt(1 + mean^2 / var), a relative error of the variance of n u kappa + (n u kappa)^2 (Chan, Golub, LeVeque,
// 1983; Higham, section 1.9), so that a variance taken as E[x^2] - mean^2 in float is found out.
#pragma once
#include <span>
#include <vector>

#include "core/problem/batchnorm.h"

namespace gabor {

// A channel's statistics in double, and how far float ones may be off; infinite where float may overflow.
struct BatchNormChannel {
  BatchNormChannel(const BatchNormProblem& p, std::span<const double> x, int64_t c);  // x: rows,C
  double mean = 0, var = 0, rstd = 0;
  double mean_error, var_error, rstd_error;
};

// Of each element of what BatchNorm::forward_training writes.
struct BatchNormForwardBudget {
  BatchNormForwardBudget(const BatchNormProblem& p, std::span<const double> x, std::span<const double> gamma,
                         std::span<const double> beta, std::span<const double> running_mean,
                         std::span<const double> running_var);  // running: before
  std::vector<double> y, mean, rstd, running_mean, running_var;
};

// Of each element of dx; of dgamma and dbeta the sums of the absolute values of their terms, for sum_budget with
// kGammaRoundings and kBetaRoundings more than rows.
struct BatchNormBackwardBudget {
  static constexpr int kGammaRoundings = 5;  // xhat takes 3, or its factor rstd is taken out of the sum
  static constexpr int kBetaRoundings = 1;
  // dx_before: absolute values of what dx is added to, rows,C; empty: it is overwritten.
  BatchNormBackwardBudget(const BatchNormProblem& p, std::span<const double> x, std::span<const double> dy,
                          std::span<const double> gamma, std::span<const double> mean,
                          std::span<const double> rstd, std::span<const double> dx_before = {});
  std::vector<double> dx, dgamma_magnitude, dbeta_magnitude;
};

}  // namespace gabor
