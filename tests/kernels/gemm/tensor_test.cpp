// The tensor-core rung. (Host execution adds the products of an mma in double: the budget, which allows float's
// roundings, is for the GPU.)
#include <gtest/gtest.h>

#include "kernels/gemm/dense_case.h"

namespace gabor::gemm {
namespace {

constexpr Pass kPasses[] = {Pass::fprop, Pass::dgrad, Pass::wgrad};
const std::vector<Storage> kStorages = {Storage::f32, Storage::f16, Storage::bf16};

TEST(GemmTensor, RandomShapesOfTile64) { check_random_cases(Rung::tensor_64, kStorages, 30, 72); }
TEST(GemmTensor, RandomShapesOfTile128) { check_random_cases(Rung::tensor_128, kStorages, 28, 130); }

TEST(GemmTensor, ManyStepsGoRoundTheStages) {
  for (const Pass pass : kPasses)
    for (const Storage storage : kStorages) {
      Case c{.problem = {.N = 16, .C = 16, .K = 16, .activation = {}},
             .pass = pass,
             .storage = storage,
             .plan = {Rung::tensor_64, 1}};
      (pass == Pass::fprop ? c.problem.C : pass == Pass::dgrad ? c.problem.K : c.problem.N) = 232;
      EXPECT_EQ(mismatch(run(c)), "") << to_string(c);
    }
}

}  // namespace
}  // namespace gabor::gemm
