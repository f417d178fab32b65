// The naive and the FFMA rungs, and the comparison itself.
#include <gtest/gtest.h>

#include <cmath>

#include "kernels/gemm/dense_case.h"
#include "kernels/simt/gpu.h"

namespace gabor::gemm {
namespace {

constexpr Pass kPasses[] = {Pass::fprop, Pass::dgrad, Pass::wgrad};
const std::vector<Storage> kStorages = {Storage::f32, Storage::f16, Storage::bf16};

TEST(GemmNaive, RandomShapes) { check_random_cases(Rung::naive, kStorages, 40, 48); }
TEST(GemmFfma, RandomShapesOfTile64) { check_random_cases(Rung::ffma_64, kStorages, 40, 72); }
TEST(GemmFfma, RandomShapesOfTile128) { check_random_cases(Rung::ffma_128, {Storage::f32}, 90, 130); }

TEST(GemmFfma, SeveralTilesEachWay) {
  for (const Pass pass : kPasses) {
    const Case c{.problem = {.N = 129, .C = 136, .K = 132, .activation = {}},
                 .pass = pass,
                 .plan = {Rung::ffma_64, 2}};
    EXPECT_EQ(mismatch(run(c)), "") << to_string(c);
  }
}

TEST(GemmFfma, BothGradientsAtOnce) {
  for (const Storage storage : kStorages)
    for (const int splits : {1, 2, 18}) {  // 18: in two groups
      Case c{.problem = {.N = 300, .C = 70, .K = 68, .activation = {}}, .storage = storage, .plan = {}};
      c.accumulate = splits == 2, c.offset = splits == 18;
      for (const bool relu : {false, true})
        EXPECT_EQ(backward_mismatch(c, {Rung::ffma_64, 2}, {Rung::ffma_64, splits}, relu), "")
            << to_string(c) << splits << relu;
    }
  const Case apart{.problem = {.N = 20, .C = 30, .K = 40, .activation = {}}, .plan = {}};
  EXPECT_EQ(backward_mismatch(apart, {Rung::ffma_64, 1}, {Rung::naive, 1}), "");
}

TEST(GemmFfma, NaNIsNotHiddenByReluNorSpread) {
  for (const Rung rung : {Rung::naive, Rung::ffma_64, Rung::ffma_128}) {
    Case c{.problem = {.N = 5, .C = 20, .K = 24, .activation = {}},
           .plan = {rung, 1},
           .bias = true,
           .nan_at = 2 * 20 + 3};
    c.problem.activation.kind = ActivationKind::relu;
    const Outcome o = run(c);
    EXPECT_EQ(mismatch(o), "") << to_string(c);
    for (int i = 0; i < 5 * 24; ++i) EXPECT_EQ(std::isnan(o.got[i]), i / 24 == 2) << i;
  }
}

#if !defined(__CUDACC__)
TEST(GemmFfma, BitsDoNotDependOnTheOrderOfThreads) {
  const Case c{.problem = {.N = 33, .C = 70, .K = 65, .activation = {}}, .plan = {Rung::ffma_64, 3}};
  auto& order = simt::host::settings().order;
  const auto before = order;
  order = simt::host::Order::forward;
  const std::vector<float> forward = run(c).got;
  order = simt::host::Order::random;
  const std::vector<float> random = run(c).got;
  order = before;
  EXPECT_EQ(forward, random);
}
#endif

// The comparison rejects what a broken kernel would give.
TEST(GemmComparison, RejectsWrongResults) {
  const Case c{.problem = {.N = 9, .C = 17, .K = 12, .activation = {}}, .plan = {Rung::naive, 1}};
  const Outcome right = run(c);
  ASSERT_EQ(mismatch(right), "");
  Outcome o = right;
  std::fill(o.got.begin(), o.got.end(), 0.0f);
  EXPECT_NE(mismatch(o), "") << "all zeros";
  o = right;
  o.got[50] = NAN;
  EXPECT_NE(mismatch(o), "") << "one NaN";
  o = right;
  o.got[50] += 1e-4f;
  EXPECT_NE(mismatch(o), "") << "one value off";
  o = right;
  o.want[50] = NAN;
  EXPECT_NE(mismatch(o), "") << "a NaN that is hidden";
}

}  // namespace
}  // namespace gabor::gemm
