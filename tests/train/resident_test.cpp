// Training pictures that stay on the device: the same bits as streaming, and nothing is read again.
#include <gtest/gtest.h>

#include <atomic>
#include <set>

#include "backends/all.h"
#include "model/nets.h"
#include "temp_folder.h"
#include "train/counting_library.h"
#include "train/sets.h"
#include "train/trainer.h"
#include "train/training_memory.h"

namespace gabor {
namespace {

// Counts what is read; some pictures cannot be.
class Watched final : public Dataset {
 public:
  Watched(std::shared_ptr<const Dataset> of, std::set<size_t> bad)
      : of_(std::move(of)), bad_(std::move(bad)) {
    classes_ = of_->classes();
  }
  size_t size() const override { return of_->size(); }
  int label(size_t i) const override { return of_->label(i); }
  std::string name(size_t i) const override { return of_->name(i); }
  int channels() const override { return of_->channels(); }
  std::optional<ImageSize> native_size() const override { return of_->native_size(); }
  void load_into(size_t i, int channels, Image& image) const override {
    reads++;
    if (bad_.contains(i)) fail(ErrorCode::data, of_->name(i), "is damaged");
    of_->load_into(i, channels, image);
  }
  std::vector<uint8_t> bytes(size_t i) const override { return of_->bytes(i); }
  mutable std::atomic<int> reads{0};

 private:
  std::shared_ptr<const Dataset> of_;
  std::set<size_t> bad_;
};

class Teller final : public Observer {
 public:
  explicit Teller(int64_t stop_at) : stop_at_(stop_at) {}
  void on_step(const StepRecord& r) override {
    if (!r.validating && r.global_step == stop_at_) stop = true;
  }
  void on_epoch(const EpochRecord& r) override { losses.push_back(r.train_loss); }
  void on_warning(const std::string& text) override { warnings.push_back(text); }
  std::atomic<bool> stop{false};
  std::vector<double> losses;
  std::vector<std::string> warnings;

 private:
  int64_t stop_at_;
};

constexpr int kPictures = 42;  // six steps of 8 an epoch, the last of 2

TrainConfig config(bool resident) {
  TrainConfig c;
  c.epochs = 4, c.batch = 8;
  c.preprocess = {12, 12, 1, Resize::antialias, Scaling::centered};
  c.lr = 5e-3f;
  c.augment.flip = true, c.augment.translate = 3;
  c.loader_threads = 2;
  c.max_bad = 1;
  c.resident = resident;
  return c;
}

struct Outcome {
  std::vector<float> weights;
  std::vector<double> losses;
  std::vector<std::string> warnings;
  int reads = 0;
  friend bool operator==(const Outcome& a, const Outcome& b) {
    return a.weights == b.weights && a.losses == b.losses && a.warnings == b.warnings;
  }
};

struct Setting {
  const char* backend = "cpu";
  std::set<size_t> bad = {};
  int64_t stop_at = -1;
  const Checkpoint* resume = nullptr;
};

Outcome train(const TrainConfig& c, const Setting& run = {}) {
  const auto library = make_library(run.backend, 0);
  Teller teller(run.stop_at);
  DataSplits data = split_in_memory(testing::bars(kPictures), 0, 1);
  const auto watched = std::make_shared<Watched>(data.dataset, run.bad);
  data.dataset = watched;
  Trainer trainer(parse_model(testing::kBarsNet, "bars"), data, c, *library, teller, run.resume);
  trainer.run(teller.stop);
  const TensorView v = trainer.parameters().values();
  return {{v.as<float>(), v.as<float>() + v.count()}, teller.losses, teller.warnings, watched->reads};
}

TEST(Resident, GivesTheBitsOfStreaming) {
  for (const char* backend : {"reference", "cpu"})
    for (const int micro : {0, 3})
      for (const auto& [flip, translate] : {std::pair{false, 0}, {true, 0}, {false, 4}, {true, 20}}) {
        TrainConfig streaming = config(false);
        streaming.micro_batch = micro;
        streaming.augment.flip = flip, streaming.augment.translate = translate;
        TrainConfig resident = streaming;
        resident.resident = true;
        const Outcome want = train(streaming, {backend});
        EXPECT_EQ(train(resident, {backend}), want) << backend << micro << flip << translate;
        EXPECT_EQ(want.losses.size(), 4u);
      }
  TrainConfig still = config(true);
  still.augment = {};
  EXPECT_NE(train(still).weights, train(config(true)).weights) << "nothing was moved: no test";
}

TEST(Resident, GivesThemForAnyNumberOfLoaderThreads) {
  const Outcome want = train(config(false));
  for (const int threads : {1, 2, 7}) {
    TrainConfig c = config(true);
    c.loader_threads = threads;
    EXPECT_EQ(train(c), want) << threads;
  }
}

TEST(Resident, ReadsNothingAfterTheFirstEpoch) {
  EXPECT_EQ(train(config(false)).reads, 4 * kPictures);
  EXPECT_EQ(train(config(true)).reads, kPictures);
}

// They keep being left out of loss and gradients, and are named once.
TEST(Resident, LeavesBadFilesOut) {
  const Setting run{.backend = "cpu", .bad = {3, 17, 30}};
  const Outcome want = train(config(false), run), got = train(config(true), run);
  EXPECT_EQ(got, want);
  EXPECT_EQ(got.warnings.size(), 1u + 3u);  // there is no validation set
  EXPECT_NE(want.weights, train(config(false)).weights);
}

// A run that begins within an epoch streams that one, and keeps the next.
TEST(Resident, ResumesBitForBit) {
  const Outcome whole = train(config(false));
  for (const int at : {2, 6, 9, 15}) {
    const testing::TempFolder folder;
    for (const auto& [first, second] : {std::pair{true, true}, {true, false}, {false, true}}) {
      TrainConfig c = config(first);
      c.out = folder.path();
      train(c, {.stop_at = at});
      const Checkpoint saved(c.out + "/last.safetensors");
      c.resident = second;
      const Outcome rest = train(c, {.resume = &saved});
      EXPECT_EQ(rest.weights, whole.weights) << at << first << second;
      const int left = at % 6 == 0 ? 0 : kPictures - at % 6 * 8;
      if (second) EXPECT_EQ(rest.reads, left + kPictures) << at;
    }
  }
}

TEST(Resident, RefusesWhatTheDeviceCannotDo) {
  TrainConfig c = config(true);
  c.augment.crop.least = 0.5;
  EXPECT_EQ(testing::error_of([&] { train(c); }),
            "resident pictures: a device can move and mirror them, no more");
}

size_t peak(const TrainConfig& c) {
  testing::CountingDevice device;
  const Library library = testing::library_on(device);
  Observer silent;
  Trainer trainer(parse_model(testing::kBarsNet, "bars"), split_in_memory(testing::bars(kPictures), 0, 1), c,
                  library, silent);
  trainer.run(std::atomic<bool>{false});
  return device.peak();
}

TEST(Resident, TakesTheMemoryThatWasPredicted) {
  const auto library = make_library("cpu", 0);
  PlanOptions o;
  o.batch = 8, o.input = {12, 12, 1}, o.classes = 2;
  const Graph graph = parse_model(testing::kBarsNet, "bars");
  const TrainingMemory m = training_memory(graph, *library, o, 8, 2, kPictures);
  EXPECT_EQ(double(peak(config(true)) - peak(config(false))), m.resident);
  EXPECT_EQ(m.limited(DeviceKind::cuda) - m.resident,
            training_memory(graph, *library, o, 8, 2).limited(DeviceKind::cuda));
}

}  // namespace
}  // namespace gabor
