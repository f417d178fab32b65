#include "kernels/conv2d/choose.h"

#include <gtest/gtest.h>

namespace gabor::kernels::conv2d {
namespace {

Conv2dRung rung(const Conv2dProblem& p, Storage storage, int capability, bool allow_tf32 = false) {
  const Conv2dRung fprop = conv2d_rung(p, Conv2dPass::fprop, storage, capability, 132, allow_tf32);
  for (const Conv2dPass pass : {Conv2dPass::dgrad, Conv2dPass::wgrad})
    EXPECT_EQ(conv2d_rung(p, pass, storage, capability, 132, allow_tf32), fprop);
  return fprop;
}

const Conv2dProblem kArticle{
    .N = 128, .H = 300, .W = 300, .C = 3, .K = 10, .R = 5, .S = 5, .pad = {}, .activation = {}};

TEST(Conv2dChoice, TensorCoresWhereTheyAreAndMayRound) {
  EXPECT_EQ(rung(kArticle, Storage::f32, 90), Conv2dRung::implicit_gemm);
  EXPECT_EQ(rung(kArticle, Storage::f32, 90, true), Conv2dRung::tensor);
  EXPECT_EQ(rung(kArticle, Storage::f16, 80), Conv2dRung::tensor);
  EXPECT_EQ(rung(kArticle, Storage::bf16, 120), Conv2dRung::tensor);
  EXPECT_EQ(rung(kArticle, Storage::f32, 75, true), Conv2dRung::implicit_gemm);
  EXPECT_EQ(rung(kArticle, Storage::f16, 75), Conv2dRung::implicit_gemm);
}

TEST(Conv2dChoice, DepthwiseLayersHaveTheirOwn) {
  Conv2dProblem p{.N = 32,
                  .H = 56,
                  .W = 56,
                  .C = 144,
                  .K = 144,
                  .R = 3,
                  .S = 3,
                  .pad = {},
                  .groups = 144,
                  .activation = {}};
  for (const Storage storage : {Storage::f32, Storage::f16})
    EXPECT_EQ(rung(p, storage, 90, true), Conv2dRung::depthwise);
  p.S = 100, p.W = 200;  // a row of filters too wide for it
  EXPECT_EQ(rung(p, Storage::f32, 90), Conv2dRung::implicit_gemm);
  p = kArticle, p.C = 1;  // one channel: a matrix product like any other
  EXPECT_EQ(rung(p, Storage::f32, 90), Conv2dRung::implicit_gemm);
}

TEST(Conv2dChoice, WhatNothingElseCountsIsDirect) {
  Conv2dProblem p = kArticle;
  p.N = int64_t{1} << 20;
  EXPECT_EQ(rung(p, Storage::f16, 90), Conv2dRung::direct);
  p.C = p.K = p.groups = 4;
  EXPECT_EQ(rung(p, Storage::f32, 90), Conv2dRung::direct);
}

TEST(Conv2dChoice, RungsHaveNames) {
  EXPECT_STREQ(name_of(Conv2dRung::depthwise), "depthwise");
  EXPECT_STREQ(name_of(Conv2dRung::tensor), "tensor");
}

}  // namespace
}  // namespace gabor::kernels::conv2d
