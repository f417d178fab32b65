// The tensor-core rung. (Host execution adds the products of an mma in double: the budget, which allows float's
// roundings, is for the GPU.)
#include <gtest/gtest.h>

#include "kernels/gemm/dense_case.h"

namespace gabor::gemm {
namespace {

constexpr Pass kPasses[] = {Pass::fprop, Pass::dgrad, Pass::wgrad};
constexpr Storage kStorages[] = {Storage::f32, Storage::f16, Storage::bf16};

void sweep(Rung rung, int cases, int largest) {
  for (const Pass pass : kPasses)
    for (const Storage storage : kStorages)
      EXPECT_EQ(
          first_failure({.rung = rung, .pass = pass, .storage = storage, .cases = cases, .largest = largest}),
          "");
}

TEST(GemmTensor, RandomShapesOfTile64) { sweep(Rung::tensor_64, 30, 72); }
TEST(GemmTensor, RandomShapesOfTile128) { sweep(Rung::tensor_128, 8, 130); }

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
