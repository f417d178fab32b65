// One row of logits, and how far float may be off when it sums their exponentials.
#pragma once
#include <algorithm>
#include <cmath>
#include <span>

#include "ops/budget.h"

namespace gabor {

struct SoftmaxRow {
  explicit SoftmaxRow(std::span<const float> row) : max(*std::max_element(row.begin(), row.end())) {
    for (const float v : row) {
      const double e = std::exp(v - max);
      sum += e;
      if (e > 0) spread += e * (max - v);
    }
    spread /= sum;
    // Rounding of x - max, as a relative error of exp; exp's own error; the sum.
    sum_error = kU * (spread + kExpUlps + double(row.size()));
  }
  // Relative error of exp(x - max) and the quotient, the oracle's rounding included.
  double own_error(double x) const { return kU * (std::min(max - x, 200.0) + kExpUlps + 4); }

  double max, sum = 0;
  double spread = 0;     // mean of max - x under softmax
  double sum_error = 0;  // relative error of sum
};

}  // namespace gabor
