#include "gpu/statistics.h"

#include <algorithm>
#include <cmath>

namespace gabor::bench {

Median median_of(std::vector<double> times) {
  std::sort(times.begin(), times.end());
  const size_t n = times.size();
  Median m;
  m.value = n % 2 != 0 ? times[n / 2] : (times[n / 2 - 1] + times[n / 2]) / 2;
  // Each time lies below the true median with probability 1/2: the k-th smallest is above it with the probability that
  // fewer than k are below. k grows while that stays within 2.5 % a side.
  double probability = 0, share = std::pow(0.5, double(n));  // of exactly `below` times below
  size_t k = 0;
  for (size_t below = 0; below < n / 2; ++below) {
    probability += share;
    if (probability > 0.025) break;
    k = below + 1;
    share *= double(n - below) / double(below + 1);
  }
  if (k > 0) m.low = times[k - 1], m.high = times[n - k];
  return m;
}

}  // namespace gabor::bench
