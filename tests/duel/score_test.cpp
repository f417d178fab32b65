#include "duel/score.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "ops/budget.h"

namespace gabor {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

HostTensor tensor(const std::vector<float>& values) {
  HostTensor t(Shape{int64_t(values.size())});
  std::copy(values.begin(), values.end(), t.floats().begin());
  return t;
}

Score score_of(const Expected& e, const std::vector<float>& got, const std::string& math = "fp32") {
  Score s;
  const HostTensor t = tensor(got);
  add_to(s, e, t.view(), math);
  return s;
}

// Sums of 8 products, whose absolute values add up to 2.
Expected sums() { return {"y", tensor({1, -0.5, 0.25, 2}), 8, tensor({2, 2, 2, 2})}; }

TEST(Score, IsTheErrorAsAFractionOfTheBudget) {
  const double budget = sum_budget(8, 2);
  const Score s = score_of(sums(), {1, float(-0.5 + budget / 2), 0.25, 2});
  EXPECT_TRUE(s.right()) << s.fault;
  EXPECT_NEAR(s.max, 0.5, 0.05);
  EXPECT_EQ(s.p99, 0) << "three of four are exact";
}

TEST(Score, IsWrongAboveTheBudgetAndNamesTheElement) {
  const double budget = sum_budget(8, 2);
  const Score s = score_of(sums(), {1, -0.5, float(0.25 + 3 * budget), 2});
  EXPECT_FALSE(s.right());
  EXPECT_NEAR(s.max, 3, 0.1);
  EXPECT_EQ(s.fault.find("y[2] is 0.25"), 0u) << s.fault;
}

TEST(Score, ZerosNaNAndInfinityNeverPass) {
  EXPECT_FALSE(score_of(sums(), {0, 0, 0, 0}).right());
  for (const float bad : {kNaN, kInfinity, -kInfinity}) {
    const Score s = score_of(sums(), {1, bad, 0.25, 2});
    EXPECT_FALSE(s.right()) << bad;
    EXPECT_TRUE(std::isinf(s.max)) << bad;
  }
}

TEST(Score, WithoutABudgetMeetsTheVeryNumber) {
  const Expected exact{"y", tensor({1, 2}), 0, tensor({0, 0})};
  EXPECT_TRUE(score_of(exact, {1, 2}).right());
  const Score s = score_of(exact, {1, std::nextafter(2.0f, 3.0f)});
  EXPECT_FALSE(s.right());
  EXPECT_TRUE(std::isinf(s.max));
}

TEST(Score, OfIntegersMeetsTheVeryNumber) {
  Expected e{"argmax", HostTensor({3}, DType::u8), 0, HostTensor(Shape{3})};
  HostTensor got({3}, DType::u8);
  got.view().as<uint8_t>()[1] = 3;
  Score s;
  add_to(s, e, std::as_const(got).view(), "fp32");
  EXPECT_EQ(s.fault, "argmax[1] is 3, expected 0 +- 0");
}

TEST(Score, NamesAnElementByItsCoordinates) {
  const Expected e{"y", HostTensor({2, 3, 1, 4}), 0, HostTensor({2, 3, 1, 4})};
  HostTensor got({2, 3, 1, 4});
  got.floats()[23 - 4] = 1;
  Score s;
  add_to(s, e, std::as_const(got).view(), "fp32");
  EXPECT_EQ(s.fault, "y[1,1,0,3] is 1, expected 0 +- 0");
}

TEST(Score, AllowsForTheErrorsOfAnOracleThatRoundsToo) {
  Expected e = sums();
  const double alone = e.budget(0, "fp32");
  e.oracle_math = "fp32";
  EXPECT_EQ(e.budget(0, "fp32"), 2 * alone);
  e.added = {1e-3, 0, 0, 0};
  EXPECT_EQ(e.budget(0, "fp32"), 2 * (alone + 1e-3));
  e.oracle_math = "fp64";
  EXPECT_EQ(e.budget(0, "fp32"), alone + 1e-3);
  EXPECT_EQ(e.budget(1, "fp32"), alone);
}

TEST(Score, OfWhatIsNotFiniteMeetsTheSame) {
  const Expected e{"y", tensor({kNaN, kInfinity, 1, 1}), 8, tensor({2, 2, 2, 2})};
  EXPECT_TRUE(score_of(e, {kNaN, kInfinity, 1, 1}).right());
  for (const std::vector<float>& other :
       {std::vector<float>{1, kInfinity, 1, 1}, {kNaN, -kInfinity, 1, 1}, {kNaN, 1, 1, 1}})
    EXPECT_FALSE(score_of(e, other).right());
}

TEST(Score, KnowsNothingWhereFloatMayOverflow) {
  for (const char* math : {"fp32", "tf32"})
    EXPECT_TRUE(score_of({"y", tensor({0}), 8, tensor({kInfinity})}, {3e38f}, math).right()) << math;
}

TEST(Score, LeavesOutWhatTheCallLeftOut) {
  const Expected nothing{"db", {}, 8, {}};
  Score s;
  add_to(s, nothing, {}, "fp32");
  EXPECT_TRUE(s.right());
  EXPECT_EQ(s.max, 0);
}

TEST(Score, BudgetsFollowTheMathMode) {
  const Expected e = sums();
  EXPECT_EQ(e.budget(0, "fp32"), e.budget(0, "fp64"));
  EXPECT_GT(e.budget(0, "fp16"), 500 * e.budget(0, "fp32"));
  EXPECT_GT(e.budget(0, "tf32"), e.budget(0, "fp16"));
  EXPECT_GT(e.budget(0, "bf16"), e.budget(0, "tf32"));
  EXPECT_THROW(e.budget(0, "int4"), Error);
  // An error that tf32 may make is a fault when fp32 was promised.
  const std::vector<float> got = {1 + 0x1p-10f, -0.5, 0.25, 2};
  EXPECT_TRUE(score_of(e, got, "tf32").right());
  EXPECT_FALSE(score_of(e, got, "fp32").right());
}

TEST(Score, ZerosAreWrongForSumsWhoseWorstCaseIsMoreThanTheyAre) {
  // As of random data in [-1,1): the sums are sqrt(terms)/3 on average, their absolute values add up to terms/4.
  constexpr double kTerms = 1e6;
  std::vector<float> want;
  for (int i = 0; i < 64; i++) want.push_back(float((i % 2 ? 1 : -1) * std::sqrt(kTerms) / 3));
  const Expected e{"dw", tensor(want), kTerms, tensor(std::vector<float>(64, kTerms / 4))};
  ASSERT_GT(e.budget(0, "fp32"), std::fabs(want[0]));
  for (const char* math : {"fp32", "tf32", "fp16", "bf16"}) {
    EXPECT_FALSE(score_of(e, std::vector<float>(64, 0.0f), math).right()) << math;
    EXPECT_TRUE(score_of(e, want, math).right()) << math;
  }
  // What rounding the operands does: an error of u sqrt(terms)/3 either way.
  std::vector<float> rounded = want;
  for (size_t i = 0; i < rounded.size(); i++) rounded[i] *= i % 3 ? 1 - 0x1p-10f : 1 + 0x1p-10f;
  EXPECT_TRUE(score_of(e, rounded, "tf32").right());
}

TEST(Score, RoundedOperandsOfATrainingStepNeedNotCancel) {
  // Sums of 1000 terms that one product is all of: bf16 may be off by twice its roundoff in each.
  Expected e{"dw", tensor(std::vector<float>(64, 1)), 1000, tensor(std::vector<float>(64, 1))};
  const std::vector<float> got(64, 1 + 1.5f * 0x1p-8f);
  EXPECT_EQ(score_of(e, got, "bf16").fault.find("dw: error of 0.7"), 0u);
  e.drawn = false;
  EXPECT_TRUE(score_of(e, got, "bf16").right());
  EXPECT_FALSE(score_of(e, std::vector<float>(64, 1 + 2.5f * 0x1p-8f), "bf16").right());
  const float little = float(0.5 * sum_budget(1000, 1));
  EXPECT_FALSE(score_of(e, std::vector<float>(64, 1 + little), "fp32").right());
}

TEST(Score, AllElementsOfLongSumsNearTheBudgetAreAShortAccumulator) {
  const double budget = sum_budget(10000, 2);
  const Expected e{"y", tensor(std::vector<float>(64, 1)), 10000, tensor(std::vector<float>(64, 2))};
  const Score s = score_of(e, std::vector<float>(64, float(1 + 0.5 * budget)));
  EXPECT_LT(s.max, 1);
  EXPECT_EQ(s.fault.find("y: error of 0.5"), 0u) << s.fault;
}

}  // namespace
}  // namespace gabor
