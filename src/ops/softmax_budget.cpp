#include "ops/softmax_budget.h"

#include <algorithm>

#include "ops/budget.h"

namespace gabor {
namespace {

// One row of logits as the oracle sees it.
struct Row {
  Row(const double* row, int64_t K) : max(*std::max_element(row, row + K)) {
    for (int64_t k = 0; k < K; k++) sum += std::exp(row[k] - max);
    for (int64_t k = 0; k < K; k++) {
      const double d = max - row[k];
      if (std::exp(-d) > 0) spread += std::exp(-d) / sum * d;
    }
    // Rounding of x - max, as a relative error of exp; exp's own error; the sum.
    sum_error = kU * (spread + kExpUlps + double(K));
  }
  double max, sum = 0;
  double spread = 0;     // mean of max - x under softmax
  double sum_error = 0;  // relative error of sum
};

}  // namespace

std::vector<double> softmax_budget(const SoftmaxProblem& p, std::span<const double> x,
                                   std::span<const double> y) {
  std::vector<double> budget;
  for (int64_t n = 0; n < p.N; n++) {
    const Row row(x.data() + n * p.K, p.K);
    for (int64_t k = n * p.K; k < (n + 1) * p.K; k++) {
      const double own = std::min(row.max - x[size_t(k)], 200.0) + kExpUlps + 2;
      budget.push_back(y[size_t(k)] * (kU * own + row.sum_error) + FLT_MIN);
    }
  }
  return budget;
}

LossBudget loss_budget(const LossProblem& p, std::span<const double> y, std::span<const int32_t> labels,
                       double scale) {
  LossBudget out;
  double magnitude = 0;
  int64_t rows = 0;
  for (int64_t n = 0; n < p.N; n++) {
    const double* row = y.data() + n * p.K;
    const RowLabels label(p, labels.data(), n);
    if (label.first < 0) {
      out.dy.insert(out.dy.end(), size_t(p.K), 0.0);
      continue;
    }
    rows++;
    const double smoothing = p.label_smoothing;
    const Row r(row, p.K);
    // log-sum-exp: the error of the sum is an absolute one of its logarithm; log's own error; the last sum.
    if (p.kind == LossKind::softmax_xent) {
      out.loss += r.sum_error + 4 * kU * std::log(r.sum);
      magnitude += std::log(r.sum) + std::fabs(r.max);
      const auto add = [&](int32_t k, double weight) {
        if (weight > 0) magnitude += weight * std::fabs(row[k]);
      };
      add(label.first, label.weight), add(label.second, 1 - label.weight);
    }
    for (int64_t k = 0; k < p.K; k++) {
      const double hot = label.onehot(k);
      if (p.kind == LossKind::softmax_xent) {
        const double own = std::min(r.max - row[k], 200.0) + kExpUlps + 2, share = smoothing / double(p.K);
        const double y_k = std::exp(row[k] - r.max) / r.sum;
        if (smoothing > 0) magnitude += share * (std::fabs(row[k]) + std::fabs(r.max));
        out.dy.push_back(scale * (y_k * (kU * own + r.sum_error) + gamma(6) * (y_k + hot + share)) + FLT_MIN);
      } else {
        magnitude += (std::fabs(row[k]) + hot) * (std::fabs(row[k]) + hot) / double(p.K);
        out.dy.push_back(scale * gamma(6) * 2 * (std::fabs(row[k]) + hot) / double(p.K) + FLT_MIN);
      }
    }
  }
  out.loss += sum_budget(double(p.K + rows) + 7, magnitude);
  return out;
}

}  // namespace gabor
