// The choice of a plan, and what is refused.
#include <gtest/gtest.h>

#include "kernels/gemm/gemm.h"
#include "kernels/simt/error.h"

namespace gabor::gemm {
namespace {

constexpr Gpu kH200{90, 132}, kGtx1660Ti{75, 24};

TEST(GemmPlan, FewOutputsAreSkinny) {
  const DenseProblem article{.N = 128, .C = 219040, .K = 2, .activation = {}};
  for (const Gpu& gpu : {kH200, kGtx1660Ti})
    for (const Pass pass : {Pass::fprop, Pass::dgrad, Pass::wgrad})
      EXPECT_EQ(choose(article, pass, Storage::f32, false, gpu).rung, Rung::skinny);
  const Plan fprop = choose(article, Pass::fprop, Storage::f32, false, kH200);
  EXPECT_GT(fprop.splits, 8);  // 16 blocks of rows alone would leave most of 132 multiprocessors idle
  EXPECT_EQ(workspace_bytes(article, Pass::fprop, fprop), size_t(fprop.splits) * 128 * 2 * 4);
  EXPECT_EQ(choose(article, Pass::dgrad, Storage::f32, false, kH200).splits, 1);
}

TEST(GemmPlan, TensorCoresOnlyWhereTheyAreAndMayBeUsed) {
  const DenseProblem p{.N = 4096, .C = 4096, .K = 4096, .activation = {}};
  EXPECT_EQ(choose(p, Pass::fprop, Storage::f32, false, kH200).rung, Rung::ffma_128);
  EXPECT_EQ(choose(p, Pass::fprop, Storage::f32, true, kH200).rung, Rung::tensor_128);
  EXPECT_EQ(choose(p, Pass::fprop, Storage::bf16, false, kH200).rung, Rung::tensor_128);
  EXPECT_EQ(choose(p, Pass::fprop, Storage::f16, true, kGtx1660Ti).rung, Rung::ffma_64);
  EXPECT_EQ(choose(p, Pass::fprop, Storage::f32, true, kGtx1660Ti).rung, Rung::ffma_128);
  EXPECT_EQ(
      choose({.N = 64, .C = 512, .K = 256, .activation = {}}, Pass::fprop, Storage::f16, false, kH200).rung,
      Rung::tensor_64);
}

TEST(GemmPlan, LongReductionsIntoSmallResultsAreSplit) {
  const DenseProblem p{.N = 65536, .C = 64, .K = 64, .activation = {}};
  EXPECT_GT(choose(p, Pass::wgrad, Storage::f32, false, kH200).splits, 64);
  EXPECT_LE(choose(p, Pass::wgrad, Storage::f32, false, kH200).splits, kMaxSplits);
  EXPECT_EQ(choose(p, Pass::fprop, Storage::f32, false, kH200).splits, 1);
}

std::string refusal(const Plan& plan, const DenseProblem& p) {
  try {
    dgrad(plan, p, Storage::f32, nullptr, nullptr, nullptr, false, {}, nullptr);
  } catch (const simt::Error& e) {
    return e.what();
  }
  return "";
}

TEST(GemmPlan, RefusesWhatItCannotDo) {
  const std::string layer = "gemm of a dense layer N=4 C=8 K=32: ";
  const DenseProblem p{.N = 4, .C = 8, .K = 32, .activation = {}};
  EXPECT_EQ(refusal({Rung::skinny, 1}, p), layer + "the skinny plan takes 16 outputs at most");
  EXPECT_EQ(refusal({Rung::naive, 2}, p), layer + "this plan cannot split the reduction");
  EXPECT_EQ(refusal({Rung::ffma_64, 0}, p), layer + "a plan has 1 to 256 splits");
  EXPECT_EQ(refusal({Rung::ffma_64, 2}, p), layer + "a split reduction needs its workspace and counters");
  EXPECT_EQ(refusal({Rung::ffma_64, 1}, {.N = 4, .C = 1ll << 40, .K = 32, .activation = {}}),
            "gemm of a dense layer N=4 C=1099511627776 K=32: sizes must be at least 1 and fit 32 bits");
  EXPECT_EQ(refusal({Rung::ffma_64, 1}, {.N = 0, .C = 8, .K = 32, .activation = {}}),
            "gemm of a dense layer N=0 C=8 K=32: sizes must be at least 1 and fit 32 bits");
  DenseProblem tanh = p;
  tanh.activation.kind = ActivationKind::tanh;
  EXPECT_THROW(fprop({}, tanh, Storage::f32, nullptr, nullptr, nullptr, nullptr, {}, nullptr), simt::Error);
}

}  // namespace
}  // namespace gabor::gemm
