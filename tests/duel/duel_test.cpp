#include "duel/duel.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "backends/reference/backend.h"
#include "core/error.h"
#include "duel/fake_backend.h"
#include "duel/summary.h"
#include "ops/roofs.h"

namespace gabor {
namespace {

using testing::FakeDevice;
using testing::FakeSpec;

const char* const kSmall = "N=2 H=6 W=6 C=3 K=4 R=3 S=3";

class FakeDuel : public ::testing::Test {
 protected:
  Duel run(const std::vector<FakeSpec>& specs, const std::string& baseline, const char* problem = kSmall,
           std::optional<size_t> workspace_cap = std::nullopt) {
    std::vector<std::shared_ptr<const Backend>> backends;
    for (const FakeSpec& s : specs) backends.push_back(fake_backend(device_, s));
    DuelOptions o;
    o.baseline = baseline, o.workspace_cap = workspace_cap;
    o.passes = {Pass::fprop, Pass::wgrad};
    o.repetitions = {.seconds = 1000, .least = 6, .most = 12};
    return run_duel({{.tag = "net", .name = "net 1", .problem = parse_conv2d(problem)}}, backends,
                    *make_reference_backend(), o);
  }
  static const DuelRecord& of(const Duel& d, const std::string& candidate, Pass pass = Pass::fprop) {
    for (const DuelRecord& r : d.records)
      if (r.candidate == candidate && r.pass == pass) return r;
    throw std::runtime_error("no record of " + candidate);
  }
  FakeDevice device_;
};

TEST_F(FakeDuel, MediansIntervalsAndRatiosAreThoseOfTheClock) {
  const Duel d = run({{.name = "fast", .seconds = {0.25}}, {.name = "slow", .seconds = {2, 4, 3}}}, "slow");
  EXPECT_EQ(of(d, "fast").seconds, std::vector<double>(12, 0.25));
  EXPECT_EQ(of(d, "fast").median, 0.25);
  EXPECT_EQ(of(d, "slow").median, 3);
  EXPECT_EQ(of(d, "slow").interval.low, 2);
  EXPECT_EQ(of(d, "slow").interval.high, 4);
  EXPECT_EQ(of(d, "fast").ratio, 12);
  EXPECT_TRUE(of(d, "fast").distinct);
  EXPECT_EQ(of(d, "slow").ratio, 1);
  EXPECT_FALSE(of(d, "slow").distinct);
  EXPECT_EQ(of(d, "fast").workspace_bytes, 128u);
  EXPECT_EQ(of(d, "fast").kernel, "fake kernel");
  EXPECT_TRUE(d.right());
  EXPECT_EQ(d.records.size(), 4u);
}

TEST_F(FakeDuel, OverlappingIntervalsAreNotDistinct) {
  const Duel d = run({{.name = "a", .seconds = {1, 2, 3}}, {.name = "b", .seconds = {2, 3, 4}}}, "b");
  EXPECT_EQ(of(d, "a").ratio, 1.5);
  EXPECT_FALSE(of(d, "a").distinct);
}

TEST_F(FakeDuel, OnlyEqualMathAndLayoutAreComparedAsEqual) {
  const Duel d = run({{.name = "ours", .seconds = {2}},
                      {.name = "lib", .seconds = {4}},
                      {.name = "lib/tf32", .seconds = {1}, .traits = {.math = "tf32"}},
                      {.name = "lib/nchw", .seconds = {0.5}, .traits = {.layout = "NCHW"}}},
                     "lib");
  EXPECT_EQ(of(d, "ours").ratio, 2);
  EXPECT_EQ(of(d, "ours").ratio_any, 0.25);
  EXPECT_EQ(of(d, "lib/tf32").ratio, 1) << "the baseline's best with tf32 is itself";
}

TEST_F(FakeDuel, TheTimeOfConvertingLayoutsIsToldApart) {
  FakeSpec lib{.name = "lib", .seconds = {4}};
  lib.variants = {{.name = "lib/nchw", .seconds = {3}, .traits = {.layout = "NCHW"}, .conversion = 0.5}};
  const Duel d = run({lib}, "lib");
  EXPECT_EQ(d.records.size(), 4u) << "the conversion is no candidate";
  EXPECT_EQ(of(d, "lib/nchw").median, 3);
  EXPECT_EQ(of(d, "lib/nchw").conversion, 0.5);
  EXPECT_EQ(of(d, "lib/nchw").ratio_any, 1) << "the conversion is part of its time";
  EXPECT_EQ(of(d, "lib").conversion, 0);
  EXPECT_TRUE(d.right()) << "what the conversion leaves in the outputs is not judged";
}

TEST_F(FakeDuel, WrongResultsAreFoundAndTakeNoPart) {
  const auto zeros = [](std::span<float> y) { std::fill(y.begin(), y.end(), 0.0f); };
  const auto nan = [](std::span<float> y) { y[y.size() / 2] = std::numeric_limits<float>::quiet_NaN(); };
  const auto shifted = [](std::span<float> y) { y[3] += 0.001f; };
  for (const auto& spoil : {std::function<void(std::span<float>)>(zeros), {nan}, {shifted}}) {
    const Duel d = run({{.name = "good", .seconds = {2}},
                        {.name = "lib", .seconds = {3}},
                        {.name = "lib/wrong", .seconds = {0.001}, .spoil = spoil}},
                       "lib");
    EXPECT_FALSE(d.right());
    const DuelRecord& wrong = of(d, "lib/wrong");
    EXPECT_FALSE(wrong.score.right());
    EXPECT_GT(wrong.score.max, 1);
    EXPECT_EQ(wrong.ratio, 0) << "a wrong result has no speed";
    EXPECT_EQ(of(d, "good").ratio, 1.5) << "and is nobody's baseline";
    for (const ClassMean& m : class_means(d)) EXPECT_NE(m.candidate, "lib/wrong");
  }
}

TEST_F(FakeDuel, WhatZerosWouldPassForIsNotJudged) {
  const auto zeros = [](std::span<float> y) { std::fill(y.begin(), y.end(), 0.0f); };
  // No window meets the single pixel, so dw is zero whatever x and dy are; y is the bias and can be judged.
  const Duel d =
      run({{.name = "zeros", .spoil = zeros}}, "zeros", "N=1 H=1 W=1 C=8 K=4 R=1 S=1 pad=3,3 stride=2,2");
  EXPECT_FALSE(of(d, "zeros").score.right());
  EXPECT_EQ(of(d, "zeros", Pass::wgrad).unsupported, "cannot be judged: zeros would be right for dw");
}

TEST_F(FakeDuel, TheResultOfTheOneBeforeIsNotTakenForTheOwn) {
  const Duel d = run({{.name = "good"}, {.name = "idle", .seconds = {0.001}, .idle = true}}, "good");
  EXPECT_TRUE(of(d, "good").score.right());
  EXPECT_FALSE(of(d, "idle").score.right());
}

TEST_F(FakeDuel, WhatIsNotSupportedSaysWhy) {
  const Duel d = run({{.name = "ours"},
                      {.name = "lib", .unsupported = "only on Tuesdays"},
                      {.name = "poor", .has_conv2d = false}},
                     "ours");
  EXPECT_EQ(of(d, "lib").unsupported, "only on Tuesdays");
  EXPECT_EQ(of(d, "poor").unsupported, "not written for this backend");
  EXPECT_FALSE(of(d, "lib").ran());
  EXPECT_EQ(of(d, "lib").ratio, 0);
  EXPECT_TRUE(d.right());
}

TEST_F(FakeDuel, AFailureIsRecordedAndTheOthersGoOn) {
  const Duel d =
      run({{.name = "ours"}, {.name = "lib", .failure = "no such engine"}, {.name = "third"}}, "ours");
  EXPECT_EQ(of(d, "lib").unsupported, "failed: lib: no such engine");
  EXPECT_EQ(of(d, "third").ratio, 1);
}

TEST_F(FakeDuel, ANumericFailureIsAWrongResult) {
  const Duel d = run(
      {{.name = "ours"}, {.name = "my.cu", .failure = "a race", .failure_code = ErrorCode::numeric}}, "ours");
  EXPECT_TRUE(of(d, "my.cu").ran());
  EXPECT_EQ(of(d, "my.cu").score.fault, "my.cu: a race");
  EXPECT_TRUE(std::isinf(of(d, "my.cu").score.max));
  EXPECT_TRUE(of(d, "my.cu").seconds.empty());
  EXPECT_EQ(of(d, "my.cu").ratio_any, 0);
  EXPECT_FALSE(d.right());
}

TEST_F(FakeDuel, AnEmulationIsJudgedButNotTimed) {
  const auto flip = [](std::span<float> y) { y[0] = -y[0]; };
  const Duel d = run({{.name = "ours"},
                      {.name = "my.cu", .traits = {.emulated = true}},
                      {.name = "bad.cu", .spoil = flip, .traits = {.emulated = true}}},
                     "ours");
  EXPECT_TRUE(of(d, "my.cu").ran() && of(d, "my.cu").score.right());
  EXPECT_FALSE(of(d, "bad.cu").score.right());
  for (const char* name : {"my.cu", "bad.cu"}) {
    EXPECT_EQ(of(d, name).device, "emulated GPU");
    EXPECT_TRUE(of(d, name).seconds.empty());
    EXPECT_EQ(of(d, name).median, 0);
    EXPECT_EQ(of(d, name).ratio, 0);
    EXPECT_EQ(of(d, name).ratio_any, 0);
  }
  EXPECT_EQ(of(d, "ours").ratio, 1);
}

TEST_F(FakeDuel, VariantsTakePartUnlessTheyLackTheOp) {
  FakeSpec lib{.name = "lib", .seconds = {4}};
  lib.variants = {{.name = "lib/fast", .seconds = {2}}, {.name = "lib/pool", .has_conv2d = false}};
  const Duel d = run({{.name = "ours", .seconds = {1}}, lib}, "lib");
  EXPECT_EQ(of(d, "lib/fast").ratio, 1) << "the best of lib";
  EXPECT_EQ(of(d, "lib").ratio, 0.5);
  EXPECT_EQ(of(d, "ours").ratio, 2);
  EXPECT_EQ(d.records.size(), 6u) << "lib/pool is in none";
}

TEST_F(FakeDuel, WhoNeedsMoreWorkspaceThanTheCapIsPassedOver) {
  const std::vector<FakeSpec> specs = {{.name = "small", .seconds = {4}, .workspace = 0},
                                       {.name = "lib", .seconds = {2}, .workspace = 1024},
                                       {.name = "lib/large", .seconds = {1}, .workspace = 1025}};
  std::vector<Duel> duels;
  for (const size_t cap : {size_t{0}, size_t{1024}}) duels.push_back(run(specs, "lib", kSmall, cap));
  const Duel d = merged(std::move(duels));
  ASSERT_EQ(d.records.size(), 2u * 2 * 3);
  const auto at = [&](size_t cap, const std::string& candidate) -> const DuelRecord& {
    for (const DuelRecord& r : d.records)
      if (r.workspace_cap == cap && r.candidate == candidate && r.pass == Pass::fprop) return r;
    throw std::runtime_error("no record of " + candidate);
  };
  EXPECT_EQ(at(0, "lib").unsupported, "passed over: it needs 1.00 KiB of workspace, the cap is 0 B");
  EXPECT_EQ(at(1024, "lib/large").unsupported,
            "passed over: it needs 1.00 KiB of workspace, the cap is 1.00 KiB");
  EXPECT_TRUE(at(0, "small").ran());
  EXPECT_EQ(at(0, "small").ratio, 0) << "lib does not run there";
  EXPECT_EQ(at(1024, "small").ratio, 0.5);
  const auto means = class_means(d);
  ASSERT_EQ(means.size(), 4u) << "small and lib, in both passes, under the larger cap";
  for (const ClassMean& m : means) EXPECT_EQ(m.workspace_cap, 1024u);
}

TEST_F(FakeDuel, AnUnknownBaselineIsRefusedWithTheNearest) {
  try {
    run({{.name = "ours"}, {.name = "cudnn"}}, "cudn");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::usage);
    EXPECT_STREQ(e.what(), "--baseline: 'cudn' does not take part; did you mean 'cudnn'?");
  }
}

TEST_F(FakeDuel, ASlowCandidateIsTimedOnce) {
  const Duel d = run({{.name = "ours", .seconds = {1}}, {.name = "snail", .seconds = {500}}}, "ours");
  EXPECT_EQ(of(d, "snail").seconds, std::vector<double>{500});
  EXPECT_EQ(of(d, "snail").interval.coverage, 0);
  EXPECT_GE(of(d, "ours").seconds.size(), 6u);
}

TEST(Belongs, ToABackendAreItsVariantsOnly) {
  EXPECT_TRUE(belongs_to("cpu", "cpu"));
  EXPECT_TRUE(belongs_to("cpu/onednn", "cpu"));
  EXPECT_FALSE(belongs_to("cpu2", "cpu"));
  EXPECT_FALSE(belongs_to("cpu", "cpu/onednn"));
}

TEST(ClassMeans, AreGeometricWithinClassAndPass) {
  Duel d;
  d.problems = {{.name = "a", .problem = parse_conv2d("N=1 H=4 W=4 C=1 K=1 R=1 S=1")},
                {.name = "b", .problem = parse_conv2d("N=1 H=4 W=4 C=1 K=1 R=1 S=1")},
                {.name = "c", .problem = parse_conv2d("N=1 H=4 W=4 C=1 K=1 R=3 S=3")}};
  const auto add = [&](size_t problem, Pass pass, const char* who, double ratio) {
    DuelRecord r;
    r.problem = problem, r.pass = pass, r.candidate = who, r.ratio = ratio;
    d.records.push_back(r);
  };
  add(0, Pass::fprop, "x", 4), add(0, Pass::wgrad, "x", 3), add(1, Pass::fprop, "x", 1);
  add(1, Pass::wgrad, "x", 0), add(2, Pass::fprop, "x", 5), add(2, Pass::fprop, "y", 7);
  const auto means = class_means(d);
  ASSERT_EQ(means.size(), 4u);
  EXPECT_EQ(means[0].problem_class, ProblemClass::pointwise);
  EXPECT_NEAR(means[0].ratio, 2, 1e-12);
  EXPECT_EQ(means[0].problems, 2);
  EXPECT_EQ(means[1].pass, Pass::wgrad);
  EXPECT_NEAR(means[1].ratio, 3, 1e-12) << "what has no ratio does not count";
  EXPECT_EQ(means[1].problems, 1);
  EXPECT_EQ(means[3].candidate, "y");
}

// 1 TFLOP/s, but each call begins with 10 ms of waiting.
class DelayedRoofs final : public Roofs {
 public:
  explicit DelayedRoofs(FakeDevice& device) : device_(device) {}
  void copy(Context&, ConstTensorView x, TensorView) const override {
    device_.clock += 2.0 * double(x.bytes()) / 1e11;
  }
  double multiply_add(Context&, std::string_view math, int64_t rounds, TensorView) const override {
    if (math != "fp32") return 0;
    const double flops = 1000.0 * double(rounds);
    device_.clock += 0.01 + flops / 1e12;
    return flops;
  }
  int64_t fma_outputs() const override { return 16; }

 private:
  FakeDevice& device_;
};

class RoofsOnly final : public Backend {
 public:
  explicit RoofsOnly(FakeDevice& device) : device_(device), roofs_(device) { ops_.roofs = &roofs_; }
  std::string_view name() const override { return "roofs"; }
  Device& device() const override { return device_; }
  const OpSet& ops() const override { return ops_; }

 private:
  FakeDevice& device_;
  DelayedRoofs roofs_;
  OpSet ops_;
};

TEST(Roofline, IsMeasuredOverSoMuchWorkThatDelaysHardlyCount) {
  FakeDevice device;
  const auto watch = device.stopwatch();
  const DeviceRoofs roofs = measure_roofs(RoofsOnly(device), *watch, {"fp32", "tf32"});
  EXPECT_NEAR(roofs.bytes_per_s / 1e11, 1, 1e-6);
  EXPECT_GT(roofs.flops.at("fp32"), 0.8e12);
  EXPECT_LE(roofs.flops.at("fp32"), 1e12);
  EXPECT_FALSE(roofs.flops.contains("tf32"));
}

TEST(Roofline, TheFloorIsTheSlowerOfTrafficAndArithmetic) {
  const DeviceRoofs roofs{"d", 100, {{"fp32", 1000}}};
  EXPECT_EQ(floor_seconds(roofs, "fp32", 500, 200), 2);
  EXPECT_EQ(floor_seconds(roofs, "fp32", 5000, 200), 5);
  EXPECT_EQ(floor_seconds(roofs, "tf32", 5000, 200), 0) << "not measured";
}

}  // namespace
}  // namespace gabor
