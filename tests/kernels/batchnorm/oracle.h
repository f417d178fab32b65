// Batch normalisation in double, by the formulas of core/problem/batchnorm.h, and how far float may be off.
#pragma once
#include "kernels/batchnorm/batchnorm.h"
#include "kernels/judge.h"

namespace gabor::kernels {

using gabor::gamma;
using gabor::kU;
using kernel_tests::Expected;

// Mean and variance of a channel. The budgets hold for two passes over all rows and for any tree of mergers (Chan,
// Golub, LeVeque 1983) of depth d: a merger rounds the mean by at most 7 u max|x|, so that the mean is off by e <=
// gamma(7d+3) max|x|; and of m2 = sum of (x - mean)^2 each term delta^2 n_a n_b / n, of which m2 consists, by 4 e
// |delta| n_a n_b / n and relative roundings. With sum of n_a n_b / n <= n L, L = max(1, log2(n) / 2), and
// Cauchy-Schwarz:
//   |var' - var| <= gamma(2d+10) var + 4 e sqrt(L var) + 5 e^2 L
struct ChannelStatistics {
  // x: of one channel. mergers: of slices, beyond those of rows.
  ChannelStatistics(const std::vector<double>& x, int mergers) {
    const double n = double(x.size()), depth = std::min(n, n / 4 + 19 + mergers),
                 L = std::max(1.0, std::log2(n) / 2);
    double most = 0;
    for (double v : x) mean += v / n, most = std::max(most, std::fabs(v));
    for (double v : x) var += (v - mean) * (v - mean) / n;
    mean_error = gamma(7 * depth + 3) * most;
    var_error =
        gamma(2 * depth + 10) * var + 4 * mean_error * std::sqrt(L * var) + 5 * mean_error * mean_error * L;
    unbiased = n > 1 ? n / (n - 1) : 0;
  }
  double rstd(double epsilon) const { return 1 / std::sqrt(var + epsilon); }
  double rstd_error(double epsilon) const {
    const double low = std::max(0.0, var - var_error), exact = rstd(epsilon);
    return std::max(1 / std::sqrt(low + epsilon) - exact, exact - 1 / std::sqrt(var + var_error + epsilon)) +
           gamma(5) / std::sqrt(low + epsilon);
  }
  double mean = 0, var = 0, mean_error, var_error, unbiased;
};

// Adds y = gamma (x - mean) rstd + beta, mean and rstd being off by so much.
template <class Element>
void add_mapped(Expected& want, double x, double mean, double mean_error, double rstd, double rstd_error,
                double weight, double beta, bool relu) {
  double y = weight * (x - mean) * rstd + beta;
  const double off = std::fabs(x - mean) + mean_error, scale = std::fabs(weight) * (rstd + rstd_error);
  const double budget = mean_error * scale + off * std::fabs(weight) * rstd_error +
                        gamma(5) * (off * scale + std::fabs(beta)) + FLT_MIN;
  if (relu && y < 0) y = 0;
  want.add(y, budget + kernel_tests::storage_error<Element>(std::fabs(y) + budget));
}

// Adds old + sum, the sum being one of n products whose absolute values add up to `magnitude`.
inline void add_sum(Expected& want, double old, double sum, double n, double magnitude) {
  want.add(old + sum, gabor::sum_budget(n + 4, magnitude + std::fabs(old)));
}

}  // namespace gabor::kernels
