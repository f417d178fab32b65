#include "train/trainer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>

#include "backends/all.h"
#include "model/nets.h"
#include "temp_folder.h"
#include "train/sets.h"

namespace gabor {
namespace {

using testing::error_of;
namespace fs = std::filesystem;

// A new, empty folder below this process's own.
std::string fresh_folder(const std::string& name) {
  static const testing::TempFolder all;
  const std::string path = all.path() + "/" + name;
  fs::remove_all(path);
  fs::create_directories(path);
  return path;
}

TrainConfig config(const std::string& out) {
  TrainConfig c;
  c.epochs = 4, c.batch = 8;
  c.preprocess = {12, 12, 1, Resize::antialias, Scaling::centered};
  c.lr = 5e-3f;
  c.augment.flip = true;
  c.loader_threads = 2;
  c.out = out;
  return c;
}

std::vector<float> weights(Trainer& t) {
  const TensorView v = t.parameters().values();
  return {v.as<float>(), v.as<float>() + v.count()};
}

// Sets the stop flag at a given step, and remembers what it was told.
class Stopper final : public Observer {
 public:
  explicit Stopper(int64_t at) : at_(at) {}
  void on_step(const StepRecord& r) override {
    if (!r.validating && r.global_step == at_) stop = true;
  }
  void on_epoch(const EpochRecord& r) override { epochs.push_back(r); }
  void on_warning(const std::string& w) override { warnings.push_back(w); }
  std::atomic<bool> stop{false};
  std::vector<EpochRecord> epochs;
  std::vector<std::string> warnings;

 private:
  int64_t at_;
};

struct Outcome {
  std::vector<float> weights;
  std::vector<EpochRecord> epochs;
  TrainResult result;
};

Outcome train(const TrainConfig& c, int64_t stop_at = -1, const Checkpoint* resume = nullptr,
              const char* net = testing::kBarsNet) {
  const auto library = make_library("cpu", 0);
  Stopper observer(stop_at);
  Trainer t(parse_model(net, "bars"), split_in_memory(testing::bars(60), 0.3, 1), c, *library, observer,
            resume);
  Outcome o;
  o.result = t.run(observer.stop);
  o.weights = weights(t);
  o.epochs = observer.epochs;
  return o;
}

TEST(Trainer, LearnsAndSavesTheBest) {
  TrainConfig c = config(fresh_folder("learns"));
  c.epochs = 40;
  const Outcome o = train(c);
  ASSERT_EQ(o.epochs.size(), 40u);
  EXPECT_GE(o.epochs.back().val_acc, 0.9);
  double best = -1;
  for (const EpochRecord& e : o.epochs) best = std::max(best, e.val_acc);
  const Checkpoint checkpoint(c.out + "/best.safetensors");
  EXPECT_DOUBLE_EQ(checkpoint.info().progress.best_val_acc, best);
  EXPECT_EQ(checkpoint.info().classes, (std::vector<std::string>{"upright", "lying"}));
  EXPECT_FALSE(checkpoint.has_optimizer());
  EXPECT_TRUE(Checkpoint(c.out + "/last.safetensors").has_optimizer());
}

// The heart of resume: stopped at any step and continued, the run ends with the same bits and reports the
// same epochs.
TEST(Trainer, ResumeEqualsTheUnbrokenRunBitForBit) {
  const Outcome whole = train(config(fresh_folder("whole")));
  const int64_t steps = whole.result.progress.global_step;
  ASSERT_EQ(steps, 4 * 6);
  for (int64_t at = 1; at < steps; at += 3) {
    const TrainConfig c = config(fresh_folder("broken"));
    const Outcome first = train(c, at);
    ASSERT_TRUE(first.result.stopped) << at;
    const Checkpoint saved(c.out + "/last.safetensors");
    const Outcome second = train(c, -1, &saved);
    EXPECT_FALSE(second.result.stopped);
    ASSERT_EQ(second.weights.size(), whole.weights.size());
    EXPECT_EQ(std::memcmp(second.weights.data(), whole.weights.data(), whole.weights.size() * sizeof(float)),
              0)
        << "stopped at step " << at;
    ASSERT_EQ(first.epochs.size() + second.epochs.size(), whole.epochs.size()) << at;
    for (size_t i = 0; i < second.epochs.size(); i++) {
      const EpochRecord &a = second.epochs[i], &b = whole.epochs[first.epochs.size() + i];
      EXPECT_EQ(a.epoch, b.epoch);
      EXPECT_EQ(a.train_loss, b.train_loss) << at;
      EXPECT_EQ(a.train_acc, b.train_acc);
      EXPECT_EQ(a.val_acc, b.val_acc);
    }
  }
}

// Running statistics belong to what a run is resumed from, and to what is evaluated. 42 training samples in batches of
// 8: the last batch has 2.
TEST(Trainer, BatchNormResumesBitForBit) {
  TrainConfig c = config(fresh_folder("norm"));
  c.epochs = 3;
  const Outcome whole = train(c, -1, nullptr, testing::kNormalisedBarsNet);
  for (const int64_t at : {1, 5, 6, 13}) {
    c.out = fresh_folder("norm_broken");
    const Outcome first = train(c, at, nullptr, testing::kNormalisedBarsNet);
    ASSERT_TRUE(first.result.stopped);
    const Checkpoint saved(c.out + "/last.safetensors");
    const Outcome second = train(c, -1, &saved, testing::kNormalisedBarsNet);
    EXPECT_EQ(second.weights, whole.weights) << at;  // the statistics are among them
    EXPECT_EQ(second.epochs.back().val_loss, whole.epochs.back().val_loss) << at;
  }
}

TEST(Trainer, BatchNormLearns) {
  TrainConfig c = config("");
  c.epochs = 20;
  EXPECT_GE(train(c, -1, nullptr, testing::kNormalisedBarsNet).epochs.back().val_acc, 0.9);
}

TEST(Trainer, SameBitsForAnyNumberOfLoaderThreads) {
  TrainConfig c = config("");
  c.loader_threads = 1;
  const Outcome one = train(c);
  c.loader_threads = 7;
  EXPECT_EQ(train(c).weights, one.weights);
}

TEST(Trainer, OtherSeedOtherWeights) {
  TrainConfig c = config("");
  c.epochs = 1;
  const Outcome one = train(c);
  c.seed = 2;
  EXPECT_NE(train(c).weights, one.weights);
}

TEST(Trainer, ExplodingLossIsANumericErrorAndKeepsTheCheckpoints) {
  TrainConfig c = config(fresh_folder("nan"));
  c.epochs = 1;
  train(c);
  const Checkpoint saved(c.out + "/last.safetensors");
  c.epochs = 30;
  c.lr = 1e30f;
  c.optimizer.kind = OptimizerKind::adam;
  try {
    train(c, -1, &saved);
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::numeric) << e.what();
    EXPECT_NE(std::string(e.what()).find("try a lower --lr"), std::string::npos) << e.what();
  }
  EXPECT_EQ(Checkpoint(c.out + "/last.safetensors").info().progress.epoch, 1);
}

TEST(Trainer, RefusesResumeOfAFinishedRunAndOfOtherData) {
  TrainConfig c = config(fresh_folder("finished"));
  c.epochs = 1;
  train(c);
  const Checkpoint saved(c.out + "/last.safetensors");
  EXPECT_NE(error_of([&] { train(c, -1, &saved); }).find("is finished (1 of 1 epochs)"), std::string::npos);
  const auto library = make_library("cpu", 0);
  Stopper observer(-1);
  c.epochs = 2;
  EXPECT_NE(error_of([&] {
              Trainer(parse_model(testing::kBarsNet, "bars"), split_in_memory(testing::bars(60, 6), 0.3, 1),
                      c, *library, observer, &saved);
            }).find("the data set is not the one"),
            std::string::npos);
}

TEST(Trainer, OverfitUsesAFewSamplesForBothSets) {
  TrainConfig c = config("");
  c.overfit = 8;
  c.augment.flip = false;
  c.epochs = 60;
  const Outcome o = train(c);
  EXPECT_EQ(o.result.validation.samples, 8);
  EXPECT_EQ(o.result.validation.correct, 8);
}

TEST(Trainer, WarnsAboutUnscaledPixels) {
  TrainConfig c = config("");
  c.preprocess.scaling = Scaling::none;
  const auto library = make_library("cpu", 0);
  Stopper observer(-1);
  Trainer t(parse_model(testing::kBarsNet, "bars"), split_in_memory(testing::bars(60), 0.3, 1), c, *library,
            observer);
  ASSERT_FALSE(observer.warnings.empty());
  EXPECT_NE(observer.warnings[0].find("unscaled"), std::string::npos);  // ARTICLE B13
}

// DESIGN 5: the cpu backend and the oracle give the same loss curve.
TEST(Trainer, CpuFollowsTheReference) {
  TrainConfig c = config("");
  c.epochs = 3;
  Outcome cpu = train(c);
  const auto library = make_library("reference", 0);
  Stopper observer(-1);
  Trainer t(parse_model(testing::kBarsNet, "bars"), split_in_memory(testing::bars(60), 0.3, 1), c, *library,
            observer);
  t.run(observer.stop);
  for (size_t i = 0; i < 3; i++)
    EXPECT_NEAR(observer.epochs[i].train_loss, cpu.epochs[i].train_loss, 1e-4 * cpu.epochs[i].train_loss);
}

}  // namespace
}  // namespace gabor
