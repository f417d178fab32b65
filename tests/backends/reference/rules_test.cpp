// What the contracts say of ties, kinks, NaN and rows that do not count: cases that no derivative decides.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "backends/reference/formulas.h"
#include "core/error.h"

namespace gabor {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();

struct Winner {
  float y;
  int32_t argmax;
};

// Max pooling of one 2x2 window.
Winner pooled(std::vector<float> window) {
  Pool2dProblem p;
  p.H = p.W = 2;
  Winner w{};
  reference::pool2d_forward(p, window.data(), &w.y, &w.argmax);
  return w;
}

TEST(ReferenceRules, TheFirstOfEqualsWins) {
  EXPECT_EQ(pooled({1, 3, 3, 3}).argmax, 1);
  EXPECT_EQ(pooled({2, 2, 2, 2}).argmax, 0);
  EXPECT_EQ(pooled({0.0f, -0.0f, 0.0f, -1}).argmax, 0);
  EXPECT_EQ(pooled({-kInf, -kInf, -kInf, -kInf}).argmax, 0);
}

TEST(ReferenceRules, NaNWinsInPooling) {
  EXPECT_TRUE(std::isnan(pooled({1, kNaN, kInf, kNaN}).y));
  EXPECT_EQ(pooled({1, kNaN, kInf, kNaN}).argmax, 1);
  EXPECT_EQ(pooled({kNaN, 5, 6, 7}).argmax, 0);
}

TEST(ReferenceRules, ActivationsDoNotHideNaN) {
  for (int kind = 0; kind < 8; kind++)
    EXPECT_TRUE(std::isnan(reference::activate({ActivationKind(kind), 1}, NAN)))
        << name_of(ActivationKind(kind));
}

TEST(ReferenceRules, SlopesAtTheKink) {
  EXPECT_EQ(reference::activation_slope({ActivationKind::relu, 0}, 0, 0), 0);
  EXPECT_EQ(reference::activation_slope({ActivationKind::leaky_relu, 0.25f}, 0, 0), 1);
  EXPECT_EQ(reference::activation_slope({ActivationKind::elu, 0.25f}, 0, 0), 1);
}

TEST(ReferenceRules, PoolingAtACornerCountsWhatLiesInside) {
  Pool2dProblem p;
  p.kind = PoolKind::average, p.H = p.W = 2, p.R = p.S = 3, p.pad = {1, 1, 1, 1};
  p.stride_h = p.stride_w = 2;
  ASSERT_EQ(p.y_shape().count(), 1);
  const float x[] = {1, 2, 3, 6};
  float y = 0;
  reference::pool2d_forward(p, x, &y, nullptr);
  EXPECT_EQ(y, 3);  // 12 / 4, not 12 / 9
}

TEST(ReferenceRules, L2PoolingOfZerosHasNoSlope) {
  Pool2dProblem p;
  p.kind = PoolKind::l2, p.H = p.W = 2;
  const double x[4] = {}, y = 0, dy = 1;
  double dx[4] = {7, 7, 7, 7};
  reference::pool2d_backward<double>(p, x, &y, nullptr, &dy, dx, GradMode::overwrite);
  for (double d : dx) EXPECT_EQ(d, 0);
}

struct LossResult {
  float loss;
  std::vector<float> dy;
  int32_t counts[2];
};

LossResult loss(const LossProblem& p, const std::vector<float>& y, const std::vector<int32_t>& labels) {
  LossResult r{0, std::vector<float>(y.size(), 9), {}};
  reference::loss_run<float>(p, y.data(), labels.data(), 1, r.dy.data(), &r.loss, r.counts);
  return r;
}

TEST(ReferenceRules, RowsWithoutALabelDoNotCount) {
  for (LossKind kind : {LossKind::softmax_xent, LossKind::mse}) {
    const LossResult both = loss({kind, 2, 2}, {5, 1, 1, 2}, {-1, 1}),
                     alone = loss({kind, 1, 2}, {1, 2}, {1});
    EXPECT_EQ(both.loss, alone.loss);
    EXPECT_EQ(both.dy, (std::vector<float>{0, 0, alone.dy[0], alone.dy[1]}));
    EXPECT_EQ(both.counts[0], 1);
    EXPECT_EQ(both.counts[1], 1);
  }
}

TEST(ReferenceRules, RightIsTheFirstLargestAndNeverNaN) {
  const LossResult ties = loss({LossKind::softmax_xent, 2, 2}, {3, 3, 3, 3}, {0, 1});
  EXPECT_EQ(ties.counts[0], 2);
  EXPECT_EQ(ties.counts[1], 1);
  const LossResult broken = loss({LossKind::softmax_xent, 2, 2}, {3, kNaN, kNaN, 3}, {0, 1});
  EXPECT_EQ(broken.counts[0], 2);
  EXPECT_EQ(broken.counts[1], 0);
  EXPECT_TRUE(std::isnan(broken.loss));
}

TEST(ReferenceRules, ALogitOfMinusInfinityIsAClassOfProbabilityZero) {
  const LossResult r = loss({LossKind::softmax_xent, 1, 3}, {-kInf, 0, 0}, {1});
  EXPECT_FLOAT_EQ(r.loss, std::log(2.0f));
  EXPECT_EQ(r.dy, (std::vector<float>{0, -0.5f, 0.5f}));
}

TEST(ReferenceRules, ALabelOutsideTheClassesIsAnError) {
  try {
    loss({LossKind::softmax_xent, 2, 2}, {0, 0, 0, 0}, {0, 2});
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::data);
    EXPECT_STREQ(e.what(), "labels: row 1 has label 2; expected 0..1");
  }
}

}  // namespace
}  // namespace gabor
