#pragma once
#include <vector>

namespace gabor {

// All take the samples in any order, at least one.
double median(std::vector<double> samples);

// A confidence interval of the median between two order statistics (David, Nagaraja: Order Statistics, 3rd ed., section
// 7.1): it assumes nothing about the distribution. The narrowest symmetric one that covers the median with 95 %; of
// fewer than 6 samples even the whole range covers less, and coverage says how much (0 for a single one).
struct MedianInterval {
  double low = 0, high = 0, coverage = 0;
};
MedianInterval median_interval(std::vector<double> samples);

double geometric_mean(const std::vector<double>& values);  // of positive numbers

}  // namespace gabor
