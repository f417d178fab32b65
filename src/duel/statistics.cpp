#include "duel/statistics.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace gabor {
namespace {
constexpr double kCoverage = 0.95;
}

double median(std::vector<double> s) {
  GABOR_CHECK(!s.empty());
  std::sort(s.begin(), s.end());
  const size_t n = s.size();
  return n % 2 ? s[n / 2] : (s[n / 2 - 1] + s[n / 2]) / 2;
}

MedianInterval median_interval(std::vector<double> s) {
  GABOR_CHECK(!s.empty());
  std::sort(s.begin(), s.end());
  const size_t n = s.size();
  // below: probability that at most k - 1 of n samples lie below the median; the interval from the k-th smallest to the
  // k-th largest misses it with twice that.
  double below = std::pow(0.5, double(n)), term = below;
  MedianInterval out{s[0], s[n - 1], std::max(0.0, 1 - 2 * below)};
  for (size_t k = 2; 2 * k <= n; k++) {
    term *= double(n - k + 2) / double(k - 1);
    below += term;
    if (1 - 2 * below < kCoverage) break;
    out = {s[k - 1], s[n - k], 1 - 2 * below};
  }
  return out;
}

double geometric_mean(const std::vector<double>& values) {
  GABOR_CHECK(!values.empty());
  double logs = 0;
  for (const double v : values) logs += std::log(v);
  return std::exp(logs / double(values.size()));
}

}  // namespace gabor
