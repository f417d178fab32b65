// Median of repeated times, and how sure it is.
#pragma once
#include <vector>

namespace gabor::bench {

struct Median {
  double value = 0;
  // The 95 % interval, from the order of the times alone (no distribution is assumed); both 0 for fewer than 6 times.
  double low = 0, high = 0;
};
Median median_of(std::vector<double> times);  // at least one

}  // namespace gabor::bench
