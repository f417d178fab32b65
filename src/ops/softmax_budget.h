// How far right results of softmax and of the losses may lie from the double-precision oracle (see ops/budget.h).
#pragma once
#include <span>
#include <vector>

#include "ops/loss.h"
#include "ops/softmax.h"

namespace gabor {

// Of each y = softmax(x), both N,K: from the rounding of x - max, which is a relative error of exp, exp's own error and
// that of the sum.
std::vector<double> softmax_budget(const SoftmaxProblem& p, std::span<const double> x,
                                   std::span<const double> y);

struct LossBudget {
  double loss = 0;         // of the sum of the row losses
  std::vector<double> dy;  // of each element, N,K
};
// y, labels, scale: as in Loss::run.
LossBudget loss_budget(const LossProblem& p, std::span<const double> y, std::span<const int32_t> labels,
                       double scale);

}  // namespace gabor
