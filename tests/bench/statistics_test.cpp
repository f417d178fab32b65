#include "gpu/statistics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace gabor::bench {
namespace {

TEST(Median, OfOddAndEvenNumbersOfTimes) {
  EXPECT_EQ(median_of({3}).value, 3);
  EXPECT_EQ(median_of({5, 1, 2}).value, 2);
  EXPECT_EQ(median_of({4, 1, 3, 2}).value, 2.5);
}

// From tables of the binomial distribution: the k-th smallest and k-th largest of n, k = 1 for 6 to 8, 2 from 9, 10 of 30.
TEST(Median, IntervalByOrder) {
  std::vector<double> times;
  const auto interval = [&](size_t n) {
    times.clear();
    for (size_t i = n; i > 0; --i) times.push_back(double(i));
    const Median m = median_of(times);
    return std::pair{m.low, m.high};
  };
  EXPECT_EQ(interval(5), (std::pair{0.0, 0.0})) << "five times cannot be so sure";
  EXPECT_EQ(interval(6), (std::pair{1.0, 6.0}));
  EXPECT_EQ(interval(8), (std::pair{1.0, 8.0}));
  EXPECT_EQ(interval(9), (std::pair{2.0, 8.0}));
  EXPECT_EQ(interval(30), (std::pair{10.0, 21.0}));
}

TEST(Median, IntervalHoldsTheTrueMedianAsOftenAsItSays) {
  std::mt19937 random(1);
  std::exponential_distribution<double> draw(1);
  int inside = 0;
  constexpr int kTrials = 4000;
  for (int trial = 0; trial < kTrials; ++trial) {
    std::vector<double> times(21);
    std::generate(times.begin(), times.end(), [&] { return draw(random); });
    const Median m = median_of(times);
    inside += m.low <= std::log(2.0) && std::log(2.0) <= m.high;
  }
  EXPECT_GT(inside, 0.95 * kTrials);
  EXPECT_LT(inside, 0.99 * kTrials);
}

}  // namespace
}  // namespace gabor::bench
