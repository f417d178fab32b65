// The kernels for depthwise layers against the oracle: each compiled window, both widths of channels, sizes over the edges
// of blocks, rows of filters and slices.
#include "kernels/conv2d/depthwise.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "kernels/conv2d/rung.h"
#include "kernels/problem_count.h"

namespace gabor::kernels::conv2d {
namespace {

int64_t between(std::mt19937& random, int64_t low, int64_t high) {
  return low + int64_t(random() % uint64_t(high - low + 1));
}

constexpr Rung kDepthwise{"depthwise",
                          [](const Conv2dProblem& p) { return depthwise_refuses(p) == nullptr; },
                          depthwise_fprop,
                          depthwise_dgrad,
                          depthwise_wgrad_workspace,
                          depthwise_wgrad};

Conv2dProblem random_depthwise(std::mt19937& random) {
  static constexpr int64_t kChannels[] = {1, 2, 3, 4, 4, 5, 8, 8, 12, 16, 31, 33, 36, 40};
  for (;;) {
    Conv2dProblem p;
    p.N = between(random, 1, 3), p.H = between(random, 1, 8), p.W = between(random, 1, 10);
    p.C = p.groups = kChannels[random() % std::size(kChannels)];
    p.K = p.C * (random() % 3 == 0 ? between(random, 2, 3) : 1);
    if (random() % 3 != 0) {  // what has kernels of its own
      p.R = p.S = random() % 2 == 0 ? 3 : 5;
      p.stride_h = p.stride_w = between(random, 1, 2);
    } else {
      p.R = between(random, 1, 4), p.S = between(random, 1, 6);
      p.stride_h = between(random, 1, 3), p.stride_w = between(random, 1, 3);
      p.dil_h = between(random, 1, 3), p.dil_w = between(random, 1, 2);
    }
    p.pad = {between(random, 0, p.R), between(random, 0, p.R), between(random, 0, p.S),
             between(random, 0, p.S)};
    p.activation.kind = ActivationKind(random() % 8);
    p.activation.alpha = p.activation.kind == ActivationKind::elu ? 1.0f : 0.125f;
    if (p.P() > 0 && p.Q() > 0 && p.flops() < 40000) return p;
  }
}

TEST(DepthwiseKernels, RandomProblems) { check_random_problems(kDepthwise, 600, random_depthwise); }

Conv2dProblem depthwise(int64_t C, int64_t K, int64_t R, int64_t S, int64_t H, int64_t W) {
  return {.N = 1,
          .H = H,
          .W = W,
          .C = C,
          .K = K,
          .R = R,
          .S = S,
          .pad = {R / 2, R / 2, S / 2, S / 2},
          .groups = C,
          .activation = {}};
}

// More rows of filters than shared memory holds at once, and than wgrad's blocks have workers for.
TEST(DepthwiseKernels, LargeFilters) {
  std::mt19937 random(100 + kernel_tests::seed_of_this_run());
  for (const Conv2dProblem& p : {depthwise(4, 4, 9, 9, 5, 4), depthwise(3, 3, 33, 2, 6, 2),
                                 depthwise(2, 6, 9, 21, 3, 5), depthwise(4, 4, 35, 5, 4, 3)}) {
    const Case c = make_case(p, Storage::f32, Data::integers, random);
    expect_right(c, run(c, kDepthwise, 2), Data::integers);
  }
}

// More runs than a block has workers, and slices that end inside an image.
TEST(DepthwiseKernels, ManyPositions) {
  std::mt19937 random(200 + kernel_tests::seed_of_this_run());
  for (const int64_t C : {3, 4, 36})
    for (const int64_t stride : {1, 2}) {
      Conv2dProblem p = depthwise(C, C, 3, 3, C == 36 ? 9 : 19, 17);
      p.N = 2, p.stride_h = p.stride_w = stride;
      const Case c = make_case(p, Storage::f32, Data::reals, random);
      expect_right(c, run(c, kDepthwise, 5), Data::reals);
    }
}

// A NaN reaches what reads it, no other channel, no other image; of pixels beside those that a filter sums, none.
TEST(DepthwiseKernels, NanReachesWhatReadsIt) {
  std::mt19937 random(7);
  for (const int64_t C : {3, 4}) {
    Conv2dProblem p = depthwise(C, C, 3, 3, 5, 5);
    p.N = 2, p.pad = {}, p.activation = {ActivationKind::relu, 0};
    Case c = make_case(p, Storage::f32, Data::reals, random);
    c.with_bias = true, c.accumulate = false;
    const Results clean = run(c, kDepthwise, 2);
    // Row 0, column 4 of channel 1 of image 1: only window (0, 2), the last of the row, reads it, by tap (0, 2).
    c.x[size_t((p.H * p.W + 4) * C + 1)] = std::numeric_limits<float>::quiet_NaN();
    c.dy[2] = std::numeric_limits<float>::quiet_NaN();  // window (0, 0) of image 0, filter 2
    const Results got = run(c, kDepthwise, 2);
    const int64_t reader = ((1 * p.P() + 0) * p.Q() + 2) * C + 1;
    for (int64_t i = 0; i < int64_t(got.y.size()); ++i) {
      EXPECT_EQ(std::isnan(got.y[size_t(i)]), i == reader) << i;
      if (i != reader) {
        EXPECT_EQ(got.y[size_t(i)], clean.y[size_t(i)]) << i;
      }
    }
    for (int64_t i = 0; i < int64_t(got.dx.size()); ++i) {
      const int64_t v = i / C % p.W, h = i / C / p.W;
      EXPECT_EQ(std::isnan(got.dx[size_t(i)]), i % C == 2 && h < 3 && v < 3) << i;
    }
    for (int64_t i = 0; i < int64_t(got.dw.size()); ++i)
      EXPECT_EQ(std::isnan(got.dw[size_t(i)]), i == 1 * 9 + 2 || i / 9 == 2) << i;
    for (int64_t k = 0; k < C; ++k) EXPECT_EQ(std::isnan(got.db[size_t(k)]), k == 2) << k;
  }
}

TEST(DepthwiseKernels, SameBitsTwice) {
  std::mt19937 random(8);
  const Case c = make_case(depthwise(5, 10, 3, 2, 7, 9), Storage::f32, Data::reals, random);
  const Results one = run(c, kDepthwise, 3), two = run(c, kDepthwise, 3);
  EXPECT_EQ(one.y, two.y);
  EXPECT_EQ(one.dx, two.dx);
  EXPECT_EQ(one.dw, two.dw);
  EXPECT_EQ(one.db, two.db);
}

// The checks above have to refuse kernels that do nothing.
TEST(DepthwiseKernels, ZerosAreRefused) {
  std::mt19937 random(9);
  const Case c = make_case(depthwise(4, 4, 3, 3, 4, 4), Storage::f32, Data::reals, random);
  EXPECT_NE(judge(fprop_sums(c), std::vector<float>(c.dy.size()), c.storage, Data::reals), "");
  EXPECT_NE(judge(dgrad_sums(c), std::vector<float>(c.x.size()), c.storage, Data::reals), "");
  EXPECT_NE(judge(wgrad_sums(c), std::vector<float>(c.w.size()), c.storage, Data::reals), "");
}

TEST(DepthwiseKernels, RefusesAndSlices) {
  const Conv2dProblem mobile = depthwise(96, 96, 3, 3, 112, 112);
  EXPECT_EQ(depthwise_refuses(mobile), nullptr);
  EXPECT_EQ(depthwise_refuses(depthwise(1, 1, 31, 31, 40, 40)), nullptr);  // one channel is depthwise too
  Conv2dProblem p = mobile;
  p.groups = 48;
  EXPECT_NE(depthwise_refuses(p), nullptr);
  EXPECT_NE(depthwise_refuses(depthwise(2, 2, 1, 65, 100, 100)), nullptr);
  EXPECT_EQ(depthwise_refuses(depthwise(2, 4, 1, 32, 100, 100)), nullptr);
  EXPECT_NE(depthwise_refuses(depthwise(2, 6, 1, 32, 100, 100)), nullptr);
  p = mobile;
  p.N = int64_t{1} << 24;
  EXPECT_NE(depthwise_refuses(p), nullptr);

  EXPECT_EQ(depthwise_wgrad_slices(depthwise(4, 4, 3, 3, 4, 4), 132), 1);
  const int slices = depthwise_wgrad_slices(mobile, 132);
  EXPECT_GT(slices, 1);
  EXPECT_LE(slices, 1024);
  EXPECT_EQ(depthwise_wgrad_workspace(mobile, slices), size_t(slices) * 96 * 10 * sizeof(float));
}

}  // namespace
}  // namespace gabor::kernels::conv2d
