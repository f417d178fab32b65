// The kernels of kernels/conv2d against the oracle: random problems, all passes, both rungs, all storage types. Each
// flavour and thread order draws problems of its own, so that the six runs of a test together see six times as many.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "kernels/common/fast_divide.cuh"
#include "kernels/conv2d/direct.h"
#include "kernels/conv2d/implicit_gemm.h"
#include "kernels/conv2d/odd_problems.h"
#include "kernels/conv2d/rung.h"
#include "kernels/problem_count.h"

namespace gabor::kernels::conv2d {
namespace {

const Rung kRungs[] = {
    {"direct", [](const Conv2dProblem&) { return true; }, direct_fprop, direct_dgrad,
     [](const Conv2dProblem&, int) { return size_t{0}; },
     [](const Conv2dProblem& p, Storage storage, const void* x, const void* dy, float* dw, float* db,
        bool accumulate, int, const JoinMemory&,
        Stream stream) { direct_wgrad(p, storage, x, dy, dw, db, accumulate, stream); }},
    {"implicit_gemm", implicit_gemm_fits, implicit_fprop, implicit_dgrad, implicit_wgrad_workspace,
     implicit_wgrad},
};

class Conv2dKernels : public testing::TestWithParam<Rung> {};

TEST_P(Conv2dKernels, RandomProblems) { check_random_problems(GetParam(), 200, random_problem); }

// Wide enough for each of the larger tiles, and over their edges.
TEST_P(Conv2dKernels, WideProblems) {
  static constexpr int64_t kWidths[][2] = {{33, 4}, {4, 65}, {68, 36}, {129, 3}, {20, 132}};
  std::mt19937 random(100 + kernel_tests::seed_of_this_run());
  for (const auto& [C, K] : kWidths) {
    const Conv2dProblem p{
        .N = 1, .H = 3, .W = 2, .C = C, .K = K, .R = 2, .S = 1, .pad = {}, .activation = {}};
    const Case c = make_case(p, Storage::f32, Data::reals, random);
    expect_right(c, run(c, GetParam(), 2), Data::reals);
  }
}

// More than 128 positions, so more than one tile of rows, and slices that end inside the image.
TEST_P(Conv2dKernels, ManyPositions) {
  std::mt19937 random(200 + kernel_tests::seed_of_this_run());
  for (const int64_t stride : {1, 2}) {
    const Conv2dProblem p{.N = 2,
                          .H = 13,
                          .W = 11,
                          .C = 3,
                          .K = 5,
                          .R = 3,
                          .S = 3,
                          .pad = {1, 0, 1, 1},
                          .stride_h = stride,
                          .stride_w = stride,
                          .activation = {}};
    const Case c = make_case(p, Storage::f32, Data::integers, random);
    expect_right(c, run(c, GetParam(), 3), Data::integers);
  }
}

TEST_P(Conv2dKernels, OddProblems) {
  std::mt19937 random(300 + kernel_tests::seed_of_this_run());
  for (const Conv2dProblem& p : odd_problems()) {
    const Case c = make_case(p, Storage::f32, Data::reals, random);
    expect_right(c, run(c, GetParam(), 3), Data::reals);
  }
}

TEST_P(Conv2dKernels, NanReachesWhatReadsIt) {
  std::mt19937 random(7);
  const Conv2dProblem p{.N = 2,
                        .H = 5,
                        .W = 5,
                        .C = 4,
                        .K = 8,
                        .R = 3,
                        .S = 3,
                        .pad = {},
                        .activation = {ActivationKind::relu, 0}};
  Case c = make_case(p, Storage::f32, Data::reals, random);
  c.with_bias = true;
  const Results clean = run(c, GetParam(), 2);
  const size_t centre =
      size_t(((1 * p.H + 2) * p.W + 2) * p.C + 1);  // in every window of image 1, in none of image 0
  c.x[centre] = c.dy[3] = std::numeric_limits<float>::quiet_NaN();  // dy of filter 3
  const Results got = run(c, GetParam(), 2);
  for (size_t i = 0; i < got.y.size(); ++i) EXPECT_EQ(std::isnan(got.y[i]), i >= got.y.size() / 2) << i;
  for (size_t i = 0; i < got.y.size() / 2; ++i) EXPECT_EQ(got.y[i], clean.y[i]) << i;
  for (size_t i = 0; i < got.db.size(); ++i) EXPECT_EQ(std::isnan(got.db[i]), i == 3) << i;
  for (int64_t i = 0; i < p.H * p.W; ++i)
    EXPECT_EQ(std::isnan(got.dx[size_t(i * p.C)]), i / p.W < 3 && i % p.W < 3) << i;
}

TEST_P(Conv2dKernels, SameBitsTwice) {
  std::mt19937 random(8);
  const Conv2dProblem p{
      .N = 3, .H = 7, .W = 6, .C = 5, .K = 6, .R = 3, .S = 2, .pad = {}, .stride_h = 2, .activation = {}};
  const Case c = make_case(p, Storage::f32, Data::reals, random);
  const Results one = run(c, GetParam(), 3), two = run(c, GetParam(), 3);
  EXPECT_EQ(one.y, two.y);
  EXPECT_EQ(one.dx, two.dx);
  EXPECT_EQ(one.dw, two.dw);
  EXPECT_EQ(one.db, two.db);
}

INSTANTIATE_TEST_SUITE_P(Rungs, Conv2dKernels, testing::ValuesIn(kRungs),
                         [](const auto& rung) { return rung.param.name; });

// The judge has to refuse a kernel that does nothing, and one whose result is off by a few of its last digits.
TEST(Conv2dJudge, RefusesZerosAndSmallErrors) {
  std::mt19937 random(9);
  for (int i = 0; i < 20; ++i) {
    const Case c = make_case(random_problem(random), Storage::f32, Data::reals, random);
    const Sums want = wgrad_sums(c);
    std::vector<float> exact(want.value.begin(), want.value.end()), zeros(exact.size());
    const auto largest = std::max_element(exact.begin(), exact.end());
    if (*largest < 0.01f) continue;  // every tap lies outside the image
    EXPECT_EQ(judge(want, exact, Storage::f32, Data::reals), "") << describe(c);
    EXPECT_NE(judge(want, zeros, Storage::f32, Data::reals), "") << describe(c);
    *largest += 1e-3f * (1.0f + float(want.magnitude[size_t(largest - exact.begin())]));
    EXPECT_NE(judge(want, exact, Storage::f32, Data::reals), "") << describe(c);
    *largest = std::numeric_limits<float>::quiet_NaN();
    EXPECT_NE(judge(want, exact, Storage::f32, Data::reals), "") << describe(c);
  }
}

TEST(FastDivide, IsDivision) {
  constexpr int32_t kLargest = std::numeric_limits<int32_t>::max();
  std::mt19937 random(10);
  for (int i = 0; i < 20000; ++i) {
    const int32_t divisor = i < 300   ? i + 1
                            : i < 310 ? kLargest - (i - 300)
                                      : int32_t(random() >> (1 + i % 30)) | 1;
    const FastDivide by(divisor);
    for (const int64_t n :
         {int64_t{0}, int64_t(random() >> 1), int64_t{divisor} - 1, int64_t{divisor}, int64_t{kLargest},
          int64_t{kLargest} / divisor * divisor, int64_t{kLargest} / divisor * divisor - 1}) {
      ASSERT_EQ(by.quotient(int32_t(n)), n / divisor) << n << " / " << divisor;
      int32_t rest = int32_t(n);
      by.split(rest);
      ASSERT_EQ(rest, n % divisor);
    }
  }
}

TEST(ImplicitGemm, SlicesAndLimits) {
  const Conv2dProblem article{
      .N = 128, .H = 300, .W = 300, .C = 3, .K = 10, .R = 5, .S = 5, .pad = {}, .activation = {}};
  EXPECT_TRUE(implicit_gemm_fits(article));
  const int slices = implicit_wgrad_slices(article, 132);
  EXPECT_GE(slices, 132);
  EXPECT_EQ(implicit_wgrad_workspace(article, slices), size_t(slices) * 10 * 76 * sizeof(float));
  EXPECT_EQ(
      implicit_wgrad_slices({.N = 1, .H = 4, .W = 4, .C = 3, .K = 10, .pad = {}, .activation = {}}, 132), 1);
  EXPECT_FALSE(
      implicit_gemm_fits({.N = 1 << 20, .H = 64, .W = 64, .C = 1, .K = 1, .pad = {}, .activation = {}}));
}

}  // namespace
}  // namespace gabor::kernels::conv2d
