// The kernels for few outputs, and the gradient of the bias.
#include <gtest/gtest.h>

#include <cmath>

#include "kernels/gemm/dense_case.h"
#include "kernels/simt/device_array.h"

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

TEST(GemmBiasGradient, SumsColumns) {
  for (const int64_t K : {1, 2, 31, 32, 33, 70})
    for (const int64_t N : {1, 7, 8, 9, 50})
      for (const bool accumulate : {false, true}) {
        std::vector<float> dy(N * K), want(K, accumulate ? 2.0f : 0.0f);
        for (int64_t i = 0; i < N * K; ++i) {
          dy[i] = float((i * 7 + i / 5) % 11) - 5;  // integers: sums are exact
          want[i % K] += dy[i];
        }
        simt::DeviceArray<float> device_dy(dy, "dy"), db(std::vector<float>(K, 2.0f), "db");
        bias_gradient({.N = N, .C = 1, .K = K, .activation = {}}, Storage::f32, device_dy.data(), db.data(),
                      accumulate, nullptr);
        EXPECT_EQ(db.values(), want) << N << " " << K;
      }
}

}  // namespace
}  // namespace gabor::gemm
