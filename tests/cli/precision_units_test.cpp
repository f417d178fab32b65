// What becomes of a precision whose tensors are 16-bit, on a device where it is as fast and as wrong as the test says.
#include <gtest/gtest.h>

#include "cli/precision.h"
#include "cli/tuned_library.h"
#include "duel/fake_backend.h"
#include "ops/steps/weighted_step.h"
#include "temp_folder.h"

namespace gabor::testing {
namespace {

class StoragePrecision : public ::testing::Test {
 protected:
  // One convolution, whose wgrad takes `fp32` seconds and in bf16 `bf16`.
  std::shared_ptr<const Library> tuned(
      double fp32, double bf16, std::function<void(std::span<float>)> spoil = [](auto) {}) {
    const FakeSpec half{.name = "own/bf16",
                        .seconds = {bf16},
                        .spoil = std::move(spoil),
                        .traits = {.math = "bf16", .storage = DType::bf16}};
    const FakeSpec own{.name = "own", .seconds = {fp32}, .variants = {half}};
    asked = std::make_shared<Library>(Library({fake_backend(device, own)}).in_precision("bf16"));
    Conv2dProblem p;
    p.N = 4, p.H = p.W = 4, p.C = 2, p.K = p.R = p.S = 3;
    plan.steps.clear();
    plan.steps.push_back(std::make_unique<Conv2dStep>(p, 0, 1, 2, 3));
    plan.steps[0]->layer = "c";
    plan.choices = {{"c wgrad", "conv2d", to_string(p), "own/bf16", {}}};
    s.backend = "cuda", s.precision = "bf16", s.tuning = folder.path() + "/tuning.jsonl";
    ::testing::internal::CaptureStderr();
    auto library = tuned_library(asked, plan, s, false, false);
    told = ::testing::internal::GetCapturedStderr();
    return library;
  }

  FakeDevice device;
  TempFolder folder;
  TrainSettings s;
  Plan plan;
  std::shared_ptr<const Library> asked;
  std::string told;
};

TEST_F(StoragePrecision, ItsSpeedIsTold) {
  EXPECT_EQ(tuned(2e-3, 1e-3)->storage(), DType::bf16);
  EXPECT_NE(told.find("\ngabor: bf16: 2.00 times as fast as fp32 by the passes' times\n"), std::string::npos)
      << told;
  EXPECT_EQ(s.precision, "bf16");
  EXPECT_EQ(precision_text(precision_use(plan, *asked), "fake"),
            "bf16 in memory and in products; weights, sums and validation in fp32");
}

TEST_F(StoragePrecision, ASlowOneIsWarnedOf) {
  EXPECT_EQ(tuned(1e-3, 2e-3)->storage(), DType::bf16);
  EXPECT_NE(
      told.find(
          "\ngabor: warning: bf16: 0.50 times as fast as fp32 by the passes' times; without --precision it "
          "would be faster, and take more memory\n"),
      std::string::npos)
      << told;
}

TEST_F(StoragePrecision, AWrongOneIsRefused) {
  s.train.micro_batch = 32, s.origin["micro-batch"] = "vram";
  const auto library = tuned(2e-3, 1e-3, [](std::span<float> y) {
    for (float& v : y) v *= 1.5f;
  });
  EXPECT_EQ(library->precision(), "fp32");
  EXPECT_EQ(library->storage(), DType::f32);
  ASSERT_EQ(library->notes().size(), 1u);
  EXPECT_EQ(library->notes()[0].find("in bf16, which is wrong on fake: c wgrad: dw["), 0u)
      << library->notes()[0];
  EXPECT_NE(
      told.find("gabor: warning: this run trains in fp32, not in bf16, which is wrong on fake: c wgrad: dw["),
      std::string::npos)
      << told;
  EXPECT_EQ(s.precision, "fp32");
  EXPECT_EQ(s.origin.at("precision"), "measured");
  EXPECT_EQ(s.train.micro_batch, 0) << "--vram chooses again";
  EXPECT_TRUE(s.choices.empty());
}

}  // namespace
}  // namespace gabor::testing
