#include "ops/batchnorm_budget.h"

#include <algorithm>

#include "ops/budget.h"

namespace gabor {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Error of (x - mean) rstd: of mean and of rstd, and of x itself by its own last place, so that x rstd - mean rstd is
// right too.
double xhat_error(const BatchNormChannel& s, double x) {
  return (s.rstd + s.rstd_error) * (s.mean_error + 2 * kU * (std::fabs(x) + std::fabs(s.mean))) +
         std::fabs(x - s.mean) * s.rstd_error;
}

}  // namespace

BatchNormChannel::BatchNormChannel(const BatchNormProblem& p, std::span<const double> x, int64_t c) {
  const double n = double(p.rows);
  double magnitude = 0, squares = 0;
  for (size_t i = size_t(c); i < x.size(); i += size_t(p.C)) mean += x[i], magnitude += std::fabs(x[i]);
  mean /= n;
  for (size_t i = size_t(c); i < x.size(); i += size_t(p.C)) squares += (x[i] - mean) * (x[i] - mean);
  var = squares / n;
  rstd = 1 / std::sqrt(var + double(p.epsilon));
  mean_error = sum_budget(n + 2, magnitude) / n;
  // Where a sum of squares, or a difference before it, may overflow in float nothing is known.
  const bool safe = squares < 0.1 * FLT_MAX && magnitude * magnitude < 0.1 * FLT_MAX;
  var_error = safe ? gabor::gamma(n + 8) * std::sqrt(var * (var + mean * mean)) + mean_error * mean_error +
                         (n + 8) * FLT_MIN * kU
                   : kInfinity;
  // 1 / sqrt is taken where the variance may be, and is itself right to 6 u (a sum, a root and a quotient, or rsqrt
  // of 2 ulps).
  const double least = 1 / std::sqrt(var + var_error + double(p.epsilon)),
               most = 1 / std::sqrt(std::max(var - var_error, 0.0) + double(p.epsilon));
  rstd_error = safe ? std::max(most - rstd, rstd - least) + 6 * kU * most : kInfinity;
}

BatchNormForwardBudget::BatchNormForwardBudget(const BatchNormProblem& p, std::span<const double> x,
                                               std::span<const double> gamma, std::span<const double> beta,
                                               std::span<const double> old_mean,
                                               std::span<const double> old_var)
    : y(x.size()) {
  for (size_t c = 0; c < size_t(p.C); c++) {
    const BatchNormChannel s(p, x, int64_t(c));
    const double share = p.momentum, moved = share * p.unbiased();
    mean.push_back(s.mean_error);
    rstd.push_back(s.rstd_error);
    running_mean.push_back(share * s.mean_error + gabor::gamma(5) * ((1 - share) * std::fabs(old_mean[c]) +
                                                                     share * std::fabs(s.mean)));
    // A single row has no unbiased variance: not a bit is touched.
    running_var.push_back(p.rows == 1 ? 0
                          : std::isinf(s.var_error)
                              ? kInfinity
                              : moved * s.var_error +
                                    gabor::gamma(7) * ((1 - share) * old_var[c] + moved * s.var));
    for (size_t i = c; i < x.size(); i += size_t(p.C))
      y[i] =
          std::isinf(s.var_error)
              ? kInfinity
              : std::fabs(gamma[c]) * xhat_error(s, x[i]) +
                    gabor::gamma(5) * (std::fabs(gamma[c] * (x[i] - s.mean)) * s.rstd + std::fabs(beta[c])) +
                    FLT_MIN;
  }
}

BatchNormBackwardBudget::BatchNormBackwardBudget(const BatchNormProblem& p, std::span<const double> x,
                                                 std::span<const double> dy, std::span<const double> gamma,
                                                 std::span<const double> mean, std::span<const double> rstd,
                                                 std::span<const double> dx_before)
    : dx(x.size()) {
  const double n = double(p.rows);
  for (size_t c = 0; c < size_t(p.C); c++) {
    const double m = mean[c], s = rstd[c];
    double db = 0, dg = 0, db_magnitude = 0, dg_magnitude = 0;
    for (size_t i = c; i < x.size(); i += size_t(p.C)) {
      const double xhat = (x[i] - m) * s;
      db += dy[i], dg += dy[i] * xhat;
      db_magnitude += std::fabs(dy[i]), dg_magnitude += std::fabs(dy[i] * xhat);
    }
    dbeta_magnitude.push_back(db_magnitude), dgamma_magnitude.push_back(dg_magnitude);
    const double db_error = sum_budget(n + kBetaRoundings, db_magnitude),
                 dg_error = sum_budget(n + kGammaRoundings, dg_magnitude);
    const double scale = std::fabs(gamma[c]) * s;
    for (size_t i = c; i < x.size(); i += size_t(p.C)) {
      const double xhat = std::fabs(x[i] - m) * s;
      const double terms = std::fabs(dy[i]) + (std::fabs(db) + xhat * std::fabs(dg)) / n;
      // As in the forward pass x may be off by its last place.
      const double inner = gabor::gamma(8) * terms + (db_error + xhat * dg_error) / n +
                           2 * kU * (std::fabs(x[i]) + std::fabs(m)) * s * std::fabs(dg) / n;
      const double before = dx_before.empty() ? 0 : dx_before[i];
      dx[i] = scale * inner + gabor::gamma(4) * (before + scale * terms) + FLT_MIN;
    }
  }
}

}  // namespace gabor
