// The oracle's forward convolution and pooling against each other: relations that hold between runs, so that
// no expected value is needed. With gradient_test.cpp (the other passes follow from the forward one) and the
// article's figures they stand for the formulas.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "backends/op_tests/generator.h"
#include "backends/reference/formulas.h"

namespace gabor {
namespace {

using Values = std::vector<double>;

// Whole numbers, so that results are equal and not only near.
Values integers(Random& random, int64_t count) {
  Values v(static_cast<size_t>(count));
  for (double& e : v) e = int(random.below(9)) - 4;
  return v;
}

Values fprop(const Conv2dProblem& p, const Values& x, const Values& w, const Values& b) {
  Values y(size_t(p.y_shape().count()));
  reference::conv2d_fprop(p, x.data(), w.data(), b.data(), y.data());
  return y;
}

// One random problem with its data; each test changes it and says what becomes of y.
struct Case {
  explicit Case(uint64_t i) : random({51, Purpose::test, i}), p(op_tests::random_conv2d(random)) { fill(); }
  void fill() {
    x = integers(random, p.x_shape().count()), w = integers(random, p.w_shape().count()),
    b = integers(random, p.K);
    y = fprop(p, x, w, b);
  }
  Random random;
  Conv2dProblem p;
  Values x, w, b, y;
};

constexpr uint64_t kCases = 200;

TEST(Metamorphic, GroupsAreABlockDiagonalKernel) {
  for (uint64_t i = 0; i < kCases; i++) {
    Case c(i);
    Conv2dProblem whole = c.p;
    whole.groups = 1;
    const int64_t group_C = c.p.C / c.p.groups, group_K = c.p.K / c.p.groups, taps = c.p.R * c.p.S;
    Values wide(size_t(whole.w_shape().count()));
    for (int64_t k = 0; k < c.p.K; k++)
      for (int64_t t = 0; t < taps; t++)
        for (int64_t g = 0; g < group_C; g++)
          wide[size_t((k * taps + t) * c.p.C + k / group_K * group_C + g)] =
              c.w[size_t((k * taps + t) * group_C + g)];
    ASSERT_EQ(fprop(whole, c.x, wide, c.b), c.y) << to_string(c.p);
  }
}

TEST(Metamorphic, DilationIsAKernelWithZerosBetween) {
  for (uint64_t i = 0; i < kCases; i++) {
    Case c(i);
    Conv2dProblem full = c.p;
    full.R = (c.p.R - 1) * c.p.dil_h + 1, full.S = (c.p.S - 1) * c.p.dil_w + 1;
    full.dil_h = full.dil_w = 1;
    const int64_t depth = c.p.C / c.p.groups;
    Values sparse(size_t(full.w_shape().count()));
    for (int64_t k = 0; k < c.p.K; k++)
      for (int64_t r = 0; r < c.p.R; r++)
        for (int64_t s = 0; s < c.p.S; s++)
          std::copy_n(c.w.begin() + ((k * c.p.R + r) * c.p.S + s) * depth, depth,
                      sparse.begin() + ((k * full.R + r * c.p.dil_h) * full.S + s * c.p.dil_w) * depth);
    ASSERT_EQ(fprop(full, c.x, sparse, c.b), c.y) << to_string(c.p);
  }
}

TEST(Metamorphic, PaddingIsAFrameOfZeros) {
  for (uint64_t i = 0; i < kCases; i++) {
    Case c(i);
    Conv2dProblem framed = c.p;
    framed.pad = {};
    framed.H += c.p.pad.top + c.p.pad.bottom, framed.W += c.p.pad.left + c.p.pad.right;
    Values x(size_t(framed.x_shape().count()));
    for (int64_t n = 0; n < c.p.N; n++)
      for (int64_t h = 0; h < c.p.H; h++)
        std::copy_n(c.x.begin() + (n * c.p.H + h) * c.p.W * c.p.C, c.p.W * c.p.C,
                    x.begin() + ((n * framed.H + h + c.p.pad.top) * framed.W + c.p.pad.left) * c.p.C);
    ASSERT_EQ(fprop(framed, x, c.w, c.b), c.y) << to_string(c.p);
  }
}

TEST(Metamorphic, StrideTakesEveryNthPosition) {
  for (uint64_t i = 0; i < kCases; i++) {
    Case c(i);
    Conv2dProblem every = c.p;
    every.stride_h = every.stride_w = 1;
    const Values all = fprop(every, c.x, c.w, c.b);
    for (int64_t n = 0; n < c.p.N; n++)
      for (int64_t p = 0; p < c.p.P(); p++)
        for (int64_t q = 0; q < c.p.Q(); q++)
          for (int64_t k = 0; k < c.p.K; k++)
            ASSERT_EQ(
                c.y[size_t(((n * c.p.P() + p) * c.p.Q() + q) * c.p.K + k)],
                all[size_t(((n * every.P() + p * c.p.stride_h) * every.Q() + q * c.p.stride_w) * c.p.K + k)])
                << to_string(c.p);
  }
}

TEST(Metamorphic, OneByOneIsADenseLayerOnEveryPixel) {
  for (uint64_t i = 0; i < kCases; i++) {
    Case c(i);
    c.p.R = c.p.S = c.p.stride_h = c.p.stride_w = c.p.groups = 1, c.p.pad = {};
    c.fill();
    DenseProblem dense;
    dense.N = c.p.N * c.p.H * c.p.W, dense.C = c.p.C, dense.K = c.p.K;
    Values y(c.y.size());
    reference::dense_fprop(dense, c.x.data(), c.w.data(), c.b.data(), y.data());
    ASSERT_EQ(y, c.y) << to_string(c.p);
  }
}

TEST(Metamorphic, SamplesDoNotMeet) {
  for (uint64_t i = 0; i < kCases; i++) {
    Case c(i);
    const int64_t in = c.p.x_shape().count() / c.p.N, out = c.p.y_shape().count() / c.p.N;
    Values x, y;  // the batch backwards
    for (int64_t n = c.p.N - 1; n >= 0; n--) {
      x.insert(x.end(), c.x.begin() + n * in, c.x.begin() + (n + 1) * in);
      y.insert(y.end(), c.y.begin() + n * out, c.y.begin() + (n + 1) * out);
    }
    ASSERT_EQ(fprop(c.p, x, c.w, c.b), y) << to_string(c.p);
  }
}

// Reverses the last axis of a tensor.
Values backwards(Values v, int64_t last) {
  for (auto row = v.begin(); row != v.end(); row += last) std::reverse(row, row + last);
  return v;
}

TEST(Metamorphic, InputChannelsMayBeReordered) {
  for (uint64_t i = 0; i < kCases; i++) {
    Case c(i);
    c.p.groups = 1;
    c.fill();
    ASSERT_EQ(fprop(c.p, backwards(c.x, c.p.C), backwards(c.w, c.p.C), c.b), c.y) << to_string(c.p);
  }
}

TEST(Metamorphic, FiltersMayBeReordered) {
  for (uint64_t i = 0; i < kCases; i++) {
    Case c(i);
    c.p.groups = 1;
    c.fill();
    const int64_t filter = c.p.reduction();
    Values w;
    for (int64_t k = c.p.K - 1; k >= 0; k--)
      w.insert(w.end(), c.w.begin() + k * filter, c.w.begin() + (k + 1) * filter);
    ASSERT_EQ(fprop(c.p, c.x, w, backwards(c.b, c.p.K)), backwards(c.y, c.p.K)) << to_string(c.p);
  }
}

TEST(Metamorphic, ActivationIsAppliedLast) {
  for (uint64_t i = 0; i < kCases; i++) {
    Case c(i);
    Conv2dProblem with = c.p;
    with.activation = op_tests::random_activation(c.random);
    for (double& v : c.y) v = reference::activate(with.activation, v);
    ASSERT_EQ(fprop(with, c.x, c.w, c.b), c.y) << to_string(with);
  }
}

// Average pooling is a convolution of each channel with 1/(R S), as long as no window hangs over an edge.
TEST(Metamorphic, AveragePoolingIsAConvolution) {
  for (uint64_t i = 0; i < kCases; i++) {
    Random random({52, Purpose::test, i});
    Pool2dProblem pool = op_tests::random_pool2d(random);
    pool.kind = PoolKind::average, pool.pad = {}, pool.ceil = false;
    if (pool.P() < 1 || pool.Q() < 1) continue;
    Conv2dProblem p;
    p.N = pool.N, p.H = pool.H, p.W = pool.W, p.C = p.K = p.groups = pool.C, p.R = pool.R, p.S = pool.S;
    p.stride_h = pool.stride_h, p.stride_w = pool.stride_w;
    const Values x = integers(random, p.x_shape().count());
    Values y(size_t(pool.y_shape().count()));
    reference::pool2d_forward(pool, x.data(), y.data(), nullptr);
    const Values sums = fprop(p, x, Values(size_t(p.w_shape().count()), 1), Values(size_t(p.K)));
    for (size_t k = 0; k < y.size(); k++) ASSERT_EQ(y[k], sums[k] / double(p.R * p.S)) << to_string(pool);
  }
}

// The largest element is the winner that argmax names, and the L2 norm of one element is its size.
TEST(Metamorphic, PoolingKindsAgreeOnWhatTheySee) {
  for (uint64_t i = 0; i < kCases; i++) {
    Random random({53, Purpose::test, i});
    Pool2dProblem p = op_tests::random_pool2d(random);
    const Values x = integers(random, p.x_shape().count());
    Values most(size_t(p.y_shape().count())), mean(most.size()), norm(most.size());
    std::vector<int32_t> argmax(most.size());
    p.kind = PoolKind::max;
    reference::pool2d_forward(p, x.data(), most.data(), argmax.data());
    p.kind = PoolKind::average;
    reference::pool2d_forward(p, x.data(), mean.data(), nullptr);
    p.kind = PoolKind::l2;
    reference::pool2d_forward(p, x.data(), norm.data(), nullptr);
    for (size_t k = 0; k < most.size(); k++) {
      const int64_t c = int64_t(k) % p.C, q = int64_t(k) / p.C % p.Q(), row = int64_t(k) / p.C / p.Q();
      const int64_t h = row % p.P() * p.stride_h - p.pad.top + argmax[k] / p.S,
                    v = q * p.stride_w - p.pad.left + argmax[k] % p.S;
      ASSERT_TRUE(h >= 0 && h < p.H && v >= 0 && v < p.W) << to_string(p);
      ASSERT_EQ(most[k], x[size_t(((row / p.P() * p.H + h) * p.W + v) * p.C + c)]) << to_string(p);
      ASSERT_LE(mean[k], most[k] + 1e-12) << to_string(p);
      ASSERT_LE(std::abs(mean[k]), norm[k] + 1e-12) << to_string(p);
      ASSERT_GE(norm[k], std::abs(most[k]) - 1e-12) << to_string(p);
    }
  }
}

}  // namespace
}  // namespace gabor
