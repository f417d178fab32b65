// The kernels for few outputs.
#include <gtest/gtest.h>

#include <cmath>

#include "kernels/gemm/dense_case.h"

namespace gabor::gemm {
namespace {

constexpr Pass kPasses[] = {Pass::fprop, Pass::dgrad, Pass::wgrad};

TEST(GemmSkinny, RandomShapes) {
  check_random_cases(Rung::skinny, {Storage::f32, Storage::f16, Storage::bf16}, 28, 72, kSkinny);
}

TEST(GemmSkinny, WideInputsInSeveralBlocksAndParts) {
  for (const Pass pass : kPasses)
    for (const int64_t C : {1026, 1028}) {  // scalar and vector loads
      const Case c{
          .problem = {.N = 37, .C = C, .K = 2, .activation = {}}, .pass = pass, .plan = {Rung::skinny, 1}};
      EXPECT_EQ(mismatch(run(c)), "") << to_string(c);
      if (pass == Pass::dgrad) continue;  // takes no splits
      Case split = c;
      split.plan.splits = 2;
      EXPECT_EQ(mismatch(run(split)), "") << to_string(split);
    }
}

TEST(GemmSkinny, NaNStaysInItsRow) {
  for (const Pass pass : {Pass::fprop, Pass::dgrad}) {
    Case c{.problem = {.N = 6, .C = 40, .K = 3, .activation = {}}, .pass = pass, .plan = {Rung::skinny, 1}};
    const int64_t A_columns = pass == Pass::fprop ? 40 : 3, columns = pass == Pass::fprop ? 3 : 40;
    c.nan_at = int(4 * A_columns + 1);
    const Outcome o = run(c);
    EXPECT_EQ(mismatch(o), "") << to_string(c);
    for (size_t i = 0; i < o.got.size(); ++i) EXPECT_EQ(std::isnan(o.got[i]), int64_t(i) / columns == 4) << i;
  }
}

TEST(GemmSkinny, BothGradientsAtOnce) {
  for (const Storage storage : {Storage::f32, Storage::f16, Storage::bf16})
    for (const int K : {1, 2, 3, 10, 16})
      for (const int splits : {1, 3}) {
        Case c{.problem = {.N = 100, .C = 516, .K = K, .activation = {}}, .storage = storage, .plan = {}};
        c.accumulate = K == 3, c.offset = K == 10;
        EXPECT_EQ(backward_mismatch(c, {Rung::skinny, 1}, {Rung::skinny, splits}), "") << to_string(c);
      }
}

// More parts than a group has, in tiles that are not whole.
TEST(GemmSkinny, JoinsManyPartsInGroups) {
  for (const Pass pass : {Pass::fprop, Pass::wgrad})
    for (const int splits : {16, 17, 40}) {
      Case c{.problem = {.N = 40 * 32, .C = 37, .K = 3, .activation = {}},
             .pass = pass,
             .plan = {Rung::skinny, splits}};
      if (pass == Pass::fprop) c.problem.N = 19, c.problem.C = 4 * 128 * 40;
      c.bias = true;
      EXPECT_EQ(mismatch(run(c)), "") << to_string(c);
    }
}

}  // namespace
}  // namespace gabor::gemm
