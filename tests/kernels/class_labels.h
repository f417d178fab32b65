// Labels for the tests of losses: one to a row, or two with a weight in 65536ths.
#pragma once
#include <cstdint>
#include <vector>

#include "kernels/judge.h"

namespace gabor::kernel_tests {

// One row in eight does not count. Of two labels, weights of 0, 1/2 and 1 are frequent.
inline std::vector<int32_t> random_labels(Rng& rng, int64_t N, int K, bool two) {
  std::vector<int32_t> labels;
  for (int64_t n = 0; n < N; ++n) {
    labels.push_back(below(rng, 8) == 0 ? -1 : below(rng, K));
    if (!two) continue;
    labels.push_back(below(rng, K));
    labels.push_back(below(rng, 3) == 0 ? 32768 * below(rng, 3) : below(rng, 65537));
  }
  return labels;
}

struct LabelsOfRow {
  int32_t first, second;
  double weight;  // of first
};
inline LabelsOfRow labels_of(const std::vector<int32_t>& labels, int64_t n, bool two) {
  if (!two) return {labels[size_t(n)], labels[size_t(n)], 1};
  const int32_t* row = &labels[size_t(3 * n)];
  return {row[0], row[1], row[2] / 65536.0};
}

}  // namespace gabor::kernel_tests
