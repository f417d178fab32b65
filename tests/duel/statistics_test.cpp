#include "duel/statistics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/philox.h"

namespace gabor {
namespace {

std::vector<double> one_to(int n) {
  std::vector<double> v(static_cast<size_t>(n));
  std::iota(v.begin(), v.end(), 1.0);
  std::reverse(v.begin(), v.end());
  return v;
}

TEST(Median, IsTheMiddleOneOrTheMeanOfTheMiddleTwo) {
  EXPECT_EQ(median({3}), 3);
  EXPECT_EQ(median({9, 1, 2}), 2);
  EXPECT_EQ(median({100, 1, 3, 2}), 2.5);
}

TEST(MedianInterval, HasTheOrderStatisticsOfTheTables) {
  struct Row {
    int n;
    double low, high, coverage;
  };
  // From the binomial distribution: 1 - 2 P(Bin(n, 1/2) < k).
  for (const Row& r : {Row{1, 1, 1, 0}, Row{2, 1, 2, 0.5}, Row{5, 1, 5, 0.9375}, Row{6, 1, 6, 0.96875},
                       Row{8, 1, 8, 0.9921875}, Row{9, 2, 8, 0.9609375}, Row{10, 2, 9, 0.978515625},
                       Row{20, 6, 15, 0.958610534668}}) {
    const MedianInterval i = median_interval(one_to(r.n));
    EXPECT_EQ(i.low, r.low) << r.n;
    EXPECT_EQ(i.high, r.high) << r.n;
    EXPECT_NEAR(i.coverage, r.coverage, 1e-9) << r.n;
  }
}

TEST(MedianInterval, HoldsTheMedianAsOftenAsItSays) {
  Random random({7, Purpose::test});
  constexpr int kTrials = 4000, kSamples = 15;
  int held = 0;
  double coverage = 0;
  for (int t = 0; t < kTrials; t++) {
    std::vector<double> samples;
    for (int i = 0; i < kSamples; i++)
      samples.push_back(-std::log(1 - double(random.uniform())));  // exponential
    const MedianInterval i = median_interval(samples);
    held += i.low <= std::log(2.0) && std::log(2.0) <= i.high;
    coverage = i.coverage;
  }
  EXPECT_GE(coverage, 0.95);
  EXPECT_NEAR(double(held) / kTrials, coverage, 0.01);
}

TEST(GeometricMean, OfARatioAndItsInverseIsOne) {
  EXPECT_NEAR(geometric_mean({4, 0.25}), 1, 1e-15);
  EXPECT_NEAR(geometric_mean({1, 10, 100}), 10, 1e-12);
}

}  // namespace
}  // namespace gabor
