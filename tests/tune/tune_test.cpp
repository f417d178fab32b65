// Choices by measurement, between backends that are as slow as the test says, on a device whose clock they turn.
#include "tune/tune.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "duel/fake_backend.h"
#include "ops/steps/weighted_step.h"
#include "temp_folder.h"
#include "tune/tuning_record.h"

namespace gabor::testing {
namespace {

std::vector<TuningRecord> records_in(const std::string& file) {
  std::vector<TuningRecord> records;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);)
    if (const auto r = parse_record(line)) records.push_back(*r);
  return records;
}

class Tune : public ::testing::Test {
 protected:
  // A net of convolutions named a, b, ..., of which wgrad is run, on backends in this order.
  Tuning tuned(std::vector<FakeSpec> specs, const std::vector<Conv2dProblem>& layers) {
    std::vector<std::shared_ptr<const Backend>> backends;
    for (FakeSpec& s : specs) s.idle = idle, backends.push_back(fake_backend(device, s));
    const Library library = Library(backends).in_precision(precision);
    std::vector<std::unique_ptr<Step>> steps;
    std::vector<ChoiceRecord> made;
    for (const Conv2dProblem& p : layers) {
      steps.push_back(std::make_unique<Conv2dStep>(p, 0, 1, 2, 3));
      steps.back()->layer = std::string(1, char('a' + made.size()));
      steps.back()->prefer = prefer;
      made.push_back({steps.back()->layer + " wgrad",
                      "conv2d",
                      to_string(p),
                      first.empty() ? specs[0].name : first,
                      {}});
    }
    TuneOptions options;
    options.file = file;
    options.precision_only = precision_only;
    options.place = {"0.0.1", "fake", threads};
    options.progress = [this](size_t, size_t all, const std::string& where) {
      told += where + "/" + std::to_string(all) + " ";
    };
    return tune(steps, made, library, options);
  }

  static Conv2dProblem layer(int64_t N) {
    Conv2dProblem p;
    p.N = N, p.H = p.W = 4, p.C = 2, p.K = p.R = p.S = 3;
    return p;
  }
  static FakeSpec spec(const std::string& name, double seconds) {
    return {.name = name, .seconds = {seconds}};
  }

  FakeDevice device;
  TempFolder folder;
  std::string file = folder.path() + "/deep/tuning.jsonl", prefer, told;
  std::string precision = "fp32", first;  // the choice without measuring; "": the first backend
  bool idle = true, precision_only = false;
  int threads = 2;
};

TEST_F(Tune, TheFastestIsChosenAndKept) {
  const std::vector<FakeSpec> specs = {spec("slow", 3e-3), spec("fast", 1e-3), spec("middle", 2e-3)};
  const Tuning first = tuned(specs, {layer(4)});
  ASSERT_EQ(first.choices.size(), 1u);
  EXPECT_EQ(first.choices.at("a wgrad").backend, "fast");
  EXPECT_EQ(first.choices.at("a wgrad").reason, "3.00x faster than slow (fake kernel)");
  EXPECT_EQ(first.measured, 1u);
  EXPECT_TRUE(first.notes.empty());
  const auto records = records_in(file);
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].problem, to_string(layer(4)));
  EXPECT_EQ(records[0].pass, "wgrad");
  EXPECT_EQ(records[0].measured_N, 4);
  EXPECT_NEAR(records[0].candidates[2].median, 2e-3, 1e-9);

  // Now another would win, but what is kept is not measured again.
  const double clock = device.clock;
  const Tuning second = tuned({spec("slow", 1e-3), spec("fast", 2e-3), spec("middle", 3e-3)}, {layer(4)});
  EXPECT_EQ(device.clock, clock);
  EXPECT_EQ(second.choices.at("a wgrad").reason, first.choices.at("a wgrad").reason);
  EXPECT_EQ(second.measured, 0u);
}

TEST_F(Tune, WithinTheNoiseTheOrderHolds) {
  const FakeSpec noisy{.name = "fast", .seconds = {1e-3, 1e-3, 3e-3, 3e-3, 1e-3}};
  EXPECT_TRUE(tuned({spec("first", 2e-3), noisy}, {layer(4)}).choices.empty());
  EXPECT_EQ(records_in(file).at(0).winner, "first");
}

TEST_F(Tune, OnlyTheSameMathAndLayout) {
  FakeSpec tf32 = spec("tensor", 1e-3), nchw = spec("planar", 1e-3);
  tf32.traits.math = "tf32", nchw.traits.layout = "NCHW";
  FakeSpec helpless = spec("helpless", 1e-3), empty = helpless;
  helpless.unsupported = "too odd", empty.has_conv2d = false, empty.name = "empty";
  EXPECT_TRUE(tuned({spec("first", 2e-3), tf32, nchw, helpless, empty}, {layer(4)}).choices.empty());
  EXPECT_EQ(device.clock, 0) << "one candidate is no choice";
}

TEST_F(Tune, VariantsTakePartUnlessTheyAreTheSameKernel) {
  FakeSpec first = spec("first", 2e-3), same = spec("first/same", 1e-3), other = spec("first/other", 1.5e-3);
  other.kernel = "other";
  first.variants = {same, other};
  EXPECT_EQ(tuned({first}, {layer(4)}).choices.at("a wgrad").backend, "first/other");
  EXPECT_EQ(records_in(file).at(0).candidates.size(), 2u);
}

class TunePrecision : public Tune {
 protected:
  TunePrecision() { precision = "bf16", first = "own/bf16", idle = false; }
  // "own" in fp32 takes that many seconds, its bf16 that many; "other" comes before both, in fp32.
  Tuning tuned_for(
      double fp32, double bf16, std::function<void(std::span<float>)> spoil = [](auto) {}) {
    FakeSpec own = spec("own", fp32), rounding = spec("own/bf16", bf16);
    rounding.traits.math = "bf16", rounding.spoil = std::move(spoil);
    own.variants = {rounding};
    return tuned({spec("other", 1e-4), own}, {layer(4)});
  }
};

TEST_F(TunePrecision, StaysWhereItIsFasterThanFp32) {
  precision_only = true;
  EXPECT_TRUE(tuned_for(2e-3, 1e-3).choices.empty());
  const auto records = records_in(file);
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].math, "bf16");
  EXPECT_EQ(records[0].candidates.size(), 2u) << "fp32 of another backend is not asked for";
  EXPECT_EQ(records[0].winner, "own/bf16");
}

TEST_F(TunePrecision, IsLeftWhereFp32IsFaster) {
  precision_only = true;
  const TunedChoice choice = tuned_for(1e-3, 2e-3).choices.at("a wgrad");
  EXPECT_EQ(choice.backend, "own");
  EXPECT_EQ(choice.reason, "2.00x faster than own/bf16 (fake kernel)");
}

TEST_F(TunePrecision, AutoTakesTheFastestFp32) {
  const TunedChoice choice = tuned_for(1e-3, 2e-3).choices.at("a wgrad");
  EXPECT_EQ(choice.backend, "other");
}

// However fast: off by as much as bf16 may be is right, by more is not.
TEST_F(TunePrecision, IsLeftWhereItIsWrong) {
  precision_only = true;
  const auto scaled = [](float by) {
    return [by](std::span<float> y) {
      for (float& v : y) v *= by;
    };
  };
  EXPECT_TRUE(tuned_for(2e-3, 1e-3, scaled(1 + 0x1p-10f)).choices.empty());
  const TunedChoice choice = tuned_for(2e-3, 1e-3, scaled(1.5f)).choices.at("a wgrad");
  EXPECT_EQ(choice.backend, "own");
  EXPECT_EQ(choice.reason.find("because own/bf16 is wrong here: dw["), 0u) << choice.reason;
}

TEST_F(TunePrecision, IsOnlyCheckedOnAnEmulatedGpu) {
  precision_only = true;
  FakeSpec own = spec("own", 1e-3), rounding = spec("own/bf16", 2e-3);
  rounding.traits = {.math = "bf16", .emulated = true}, own.traits.emulated = true;
  own.variants = {rounding};
  EXPECT_TRUE(tuned({own}, {layer(4)}).choices.empty());
  EXPECT_TRUE(records_in(file).empty());
}

// A precision in which tensors are kept cannot be left pass by pass.
class TuneStorage : public TunePrecision {
 protected:
  StorageVerdict verdict(
      double fp32, double bf16, std::function<void(std::span<float>)> spoil = [](auto) {}) {
    FakeSpec own = spec("own", fp32), rounding = spec("own/bf16", bf16);
    rounding.traits.math = "bf16", rounding.traits.storage = DType::bf16, rounding.spoil = std::move(spoil);
    own.variants = {rounding};
    const Tuning t = tuned({own}, {layer(4), layer(8)});
    EXPECT_TRUE(t.choices.empty());
    EXPECT_TRUE(t.storage.has_value());
    return t.storage.value_or(StorageVerdict{});
  }
};

TEST_F(TuneStorage, IsComparedByAllPasses) {
  const StorageVerdict faster = verdict(2e-3, 1e-3);
  EXPECT_EQ(faster.fault, "");
  EXPECT_NEAR(faster.exact_seconds / faster.seconds, 2, 1e-6);
  EXPECT_EQ(records_in(file).size(), 2u);
  EXPECT_EQ(records_in(file).at(0).candidates.at(0).backend, "own/bf16");
  // What is kept is not measured again.
  EXPECT_NEAR(verdict(1e-3, 2e-3).exact_seconds, faster.exact_seconds, 1e-12);
}

TEST_F(TuneStorage, IsWrongIfOnePassIs) {
  precision_only = true;
  const StorageVerdict wrong = verdict(2e-3, 1e-3, [](std::span<float> y) {
    for (float& v : y) v *= 1.5f;
  });
  EXPECT_EQ(wrong.fault.find("a wgrad: dw["), 0u) << wrong.fault;
}

TEST_F(Tune, AModelFilesBackendStays) {
  prefer = "first";
  EXPECT_TRUE(tuned({spec("first", 2e-3), spec("fast", 1e-3)}, {layer(4)}).choices.empty());
  EXPECT_EQ(device.clock, 0);
}

TEST_F(Tune, EqualLayersAreMeasuredOnceAndOthersEach) {
  const std::vector<FakeSpec> specs = {spec("slow", 2e-3), spec("fast", 1e-3)};
  const Tuning t = tuned(specs, {layer(4), layer(8), layer(4)});
  EXPECT_EQ(t.choices.size(), 3u);
  EXPECT_EQ(t.measured, 2u);
  EXPECT_EQ(told, "a wgrad/3 b wgrad/3 c wgrad/3 ");
  threads = 3;
  EXPECT_EQ(tuned(specs, {layer(4)}).measured, 1u) << "what was measured with 2 threads says nothing of 3";
}

TEST_F(Tune, TimeIsBounded) {
  // 16 samples of 30 ms would take 0.48 s a run: 14 runs have 1 s, and 1 s is for more of them.
  const double before = device.clock;
  const Tuning t = tuned({spec("slow", 30e-3), spec("fast", 10e-3)}, {layer(16)});
  EXPECT_LT(device.clock - before, 2.5);
  EXPECT_EQ(records_in(file).at(0).measured_N, 2);
  EXPECT_EQ(t.choices.size(), 1u);
  // A single sample is too slow: not measured, and that is kept too, so that the choice does not depend on the day.
  const double clock = device.clock;
  EXPECT_TRUE(tuned({spec("slow", 10), spec("fast", 1)}, {layer(2)}).choices.empty());
  EXPECT_NEAR(device.clock - clock, 20, 1e-6) << "two runs to know it";
  EXPECT_EQ(records_in(file).at(1).measured_N, 0);
  EXPECT_EQ(tuned({spec("slow", 1e-3), spec("fast", 1e-4)}, {layer(2)}).measured, 0u);
}

TEST_F(Tune, WhatIsFarTooSlowIsRunTwice) {
  const Tuning t = tuned({spec("middle", 2e-3), spec("naive", 5), spec("fast", 1e-3)}, {layer(4)});
  EXPECT_EQ(t.choices.at("a wgrad").backend, "fast");
  EXPECT_LT(device.clock, 2 * 5 + 2);
}

TEST_F(Tune, WhatCannotBeKeptIsNotMeasured) {
  std::ofstream(folder.path() + "/occupied") << "";
  for (const auto& [bad, why] :
       {std::pair{folder.path() + "/occupied/tuning.jsonl", "cannot be written: Not a directory"},
        {folder.path(), "is not a file"},
        {std::string(), "there is no folder to keep it in"}}) {
    file = bad;
    const Tuning t = tuned({spec("slow", 2e-3), spec("fast", 1e-3)}, {layer(4)});
    EXPECT_TRUE(t.choices.empty());
    ASSERT_EQ(t.notes.size(), 1u) << bad;
    EXPECT_EQ(t.notes[0].find("measured, so the fixed order holds: "), 0u);
    EXPECT_NE(t.notes[0].find(why), std::string::npos) << t.notes[0];
  }
  EXPECT_EQ(device.clock, 0);
}

}  // namespace
}  // namespace gabor::testing
