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

struct Normalised {
  std::vector<double> y, mean, rstd, running_mean, running_var;
};

// One channel, gamma 2, beta 10, from running statistics of 8 and 4.
Normalised normalised(const std::vector<double>& x, float momentum) {
  const BatchNormProblem p{.rows = int64_t(x.size()), .C = 1, .epsilon = 0.25f, .momentum = momentum};
  Normalised n{std::vector<double>(x.size()), {0}, {0}, {8}, {4}};
  const double gamma = 2, beta = 10;
  reference::batchnorm_forward_training(p, x.data(), &gamma, &beta, n.y.data(), n.mean.data(), n.rstd.data(),
                                        n.running_mean.data(), n.running_var.data());
  return n;
}

TEST(ReferenceRules, BatchNormByHand) {
  // mean 4, deviations -3 -1 1 3, biased variance 5, unbiased 20/3
  const Normalised n = normalised({1, 3, 5, 7}, 0.25f);
  const double rstd = 1 / std::sqrt(5.25);
  EXPECT_DOUBLE_EQ(n.mean[0], 4);
  EXPECT_DOUBLE_EQ(n.rstd[0], rstd);
  EXPECT_DOUBLE_EQ(n.y[0], 10 - 2 * 3 * rstd);
  EXPECT_DOUBLE_EQ(n.y[3], 10 + 2 * 3 * rstd);
  EXPECT_DOUBLE_EQ(n.running_mean[0], 0.75 * 8 + 0.25 * 4);
  EXPECT_DOUBLE_EQ(n.running_var[0], 0.75 * 4 + 0.25 * 20 / 3);
  // And with these as the running ones, in inference.
  const BatchNormProblem p{.rows = 1, .C = 1, .epsilon = 0.25f};
  const double x = 3, gamma = 2, beta = 10, mean = 1, var = 15.75;
  double y = 0;
  reference::batchnorm_forward_inference(p, &x, &gamma, &beta, &mean, &var, &y);
  EXPECT_DOUBLE_EQ(y, 11);
}

TEST(ReferenceRules, BatchNormOfASingleRow) {
  const Normalised n = normalised({3}, 0.25f);
  EXPECT_EQ(n.y[0], 10);
  EXPECT_EQ(n.running_mean[0], 0.75 * 8 + 0.25 * 3);
  EXPECT_EQ(n.running_var[0], 4);  // one row says nothing of a variance
}

TEST(ReferenceRules, BatchNormHidesNoNaNAndSpoilsNoOtherChannel) {
  const BatchNormProblem p{.rows = 2, .C = 2};
  const float x[] = {kNaN, 1, 2, 3}, gamma[] = {1, 1}, beta[] = {0, 0};
  float y[4], mean[2], rstd[2], running_mean[] = {0, 0}, running_var[] = {1, 1};
  reference::batchnorm_forward_training(p, x, gamma, beta, y, mean, rstd, running_mean, running_var);
  for (float v : {y[0], y[2], mean[0], rstd[0], running_mean[0], running_var[0]}) EXPECT_TRUE(std::isnan(v));
  for (float v : {y[1], y[3], mean[1], rstd[1], running_mean[1], running_var[1]}) EXPECT_FALSE(std::isnan(v));
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

// Weights are of the labels' losses, but those of squared errors, whose target is weighted.
TEST(ReferenceRules, TwoLabelsShareARow) {
  const std::vector<float> y{0.25f, -1, 2};
  for (float smoothing : {0.0f, 0.25f}) {
    LossProblem one{LossKind::softmax_xent, 1, 3, smoothing}, two = one;
    two.two_labels = true;
    const LossResult first = loss(one, y, {2}), second = loss(one, y, {0}),
                     both = loss(two, y, {2, 0, 49152});
    EXPECT_FLOAT_EQ(both.loss, 0.75f * first.loss + 0.25f * second.loss);
    for (size_t k = 0; k < 3; k++) EXPECT_FLOAT_EQ(both.dy[k], 0.75f * first.dy[k] + 0.25f * second.dy[k]);
    EXPECT_EQ(both.counts[1], 1);  // by the first label
    EXPECT_EQ(loss(two, y, {0, 2, 49152}).counts[1], 0);
  }
  const LossResult squared = loss({LossKind::mse, 1, 3, 0, true}, y, {2, 0, 49152});
  EXPECT_FLOAT_EQ(squared.loss, (0.0f + 1 + 1.25f * 1.25f) / 3);
  EXPECT_EQ(squared.dy, (std::vector<float>{0, -2.0f / 3, 2.5f / 3}));
}

TEST(ReferenceRules, ALabelOfWeightZeroTakesNoPart) {
  const std::vector<float> y{-kInf, 0, 0};
  const LossProblem one{LossKind::softmax_xent, 1, 3}, two{LossKind::softmax_xent, 1, 3, 0, true};
  for (const std::vector<int32_t>& labels : {std::vector<int32_t>{1, 0, 65536}, {0, 1, 0}, {1, 1, 77}}) {
    const LossResult r = loss(two, y, labels);
    EXPECT_EQ(r.loss, loss(one, y, {1}).loss);
    EXPECT_EQ(r.dy, loss(one, y, {1}).dy);
  }
  EXPECT_EQ(loss(two, y, {-1, 0, 9}).counts[0], 0);
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

TEST(ReferenceRules, TwoLabelsOutsideTheirRangesAreErrors) {
  for (const std::vector<int32_t>& labels :
       {std::vector<int32_t>{2, 0, 1}, {0, 2, 1}, {0, -1, 1}, {0, 0, -1}, {0, 0, 65537}})
    EXPECT_THROW(loss({LossKind::mse, 1, 2, 0, true}, {0, 0}, labels), Error);
}

}  // namespace
}  // namespace gabor
