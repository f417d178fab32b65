// Whole trainings on the cuda backend. The memory of the emulated GPU is sealed while no kernel runs: that they end at all
// shows that no host code touches a device pointer.
#include <cmath>
#include <iostream>

#include "backends/all.h"
#include "backends/cuda/gpu.h"
#include "backends/cuda/tiny_net.h"
#include "model/nets.h"
#include "ops/budget.h"
#include "temp_folder.h"
#include "train/sets.h"
#include "train/trainer.h"

namespace gabor {
namespace {

TrainConfig config(const std::string& out = "") {
  TrainConfig c;
  c.epochs = 4, c.batch = 8;
  c.preprocess = {12, 12, 1, Resize::antialias, Scaling::centered};
  c.lr = 0x1p-7f;
  c.augment.flip = true;
  c.loader_threads = 2;
  c.out = out;
  return c;
}

class Recorder final : public Observer {
 public:
  explicit Recorder(int64_t stop_at = -1) : stop_at_(stop_at) {}
  void on_step(const StepRecord& r) override {
    if (r.validating) return;
    curve.push_back(r.loss);
    if (r.global_step == stop_at_) stop = true;
  }
  void on_epoch(const EpochRecord& r) override { epochs.push_back(r); }
  void on_warning(const std::string&) override {}
  std::vector<double> curve;  // mean loss of the epoch so far, after each step
  std::vector<EpochRecord> epochs;
  std::atomic<bool> stop{false};

 private:
  int64_t stop_at_;
};

struct Outcome {
  std::vector<double> curve;
  std::vector<EpochRecord> epochs;
  std::vector<float> weights;
};

Outcome train(const Library& library, const TrainConfig& c, int64_t stop_at = -1,
              const Checkpoint* resume = nullptr, const char* net = testing::kTinyNet) {
  Recorder recorder(stop_at);
  Trainer trainer(parse_model(net, "tiny"), split_in_memory(testing::bars(60), 0.3, 1), c, library, recorder,
                  resume);
  trainer.run(recorder.stop);
  const TensorView values = trainer.parameters().values();
  std::vector<float> weights(size_t(values.count()));
  library.device().copy_from(weights.data(), values.data, values.bytes());
  return {recorder.curve, recorder.epochs, weights};
}

// Passes of the tiny net's plan that run in that precision.
int passes_in(const std::string& math, const Library& library, bool training) {
  PlanOptions o;
  o.input = {12, 12, 1}, o.classes = 2, o.training = training;
  const Plan plan = compile(parse_model(testing::kTinyNet, "tiny"), library, o);
  return int(std::count_if(plan.choices.begin(), plan.choices.end(),
                           [&](const ChoiceRecord& c) { return c.backend.ends_with("/" + math); }));
}

class CudaTraining : public testing::GpuTest {};

// Roundings differ, and training magnifies them. How much shows in a second run of the reference whose learning rate is
// off by some sixteen roundings of that size; `times` as much is allowed. Returns the reference's outcome.
Outcome expect_loss_curve_of_reference(const Library& gpu, const TrainConfig& c, double roundoff = kU,
                                       double times = 16, const char* net = testing::kTinyNet) {
  const auto reference = make_library("reference", 0);
  const Outcome want = train(*reference, c, -1, nullptr, net), got = train(gpu, c, -1, nullptr, net);
  TrainConfig nudged = c;
  nudged.lr *= float(1 + 16 * roundoff);
  const double natural = testing::distance(train(*reference, nudged, -1, nullptr, net).curve, want.curve);
  const double off = testing::distance(got.curve, want.curve);
  std::cout << "loss " << want.curve.front() << " -> " << want.curve.back() << " in " << want.curve.size()
            << " steps; cuda off by " << off << ", reference nudged by " << 16 * roundoff << " off by "
            << natural << "\n";
  EXPECT_GT(natural, 0);
  EXPECT_LT(off, times * natural);
  for (size_t e = 0; e < want.epochs.size(); e++)
    EXPECT_NEAR(got.epochs[e].val_loss, want.epochs[e].val_loss, times * natural + 1e-5) << e;
  return want;
}

TEST_F(CudaTraining, HasTheLossCurveOfTheReference) {
  const Outcome want = expect_loss_curve_of_reference(Library({backend}), config());
  EXPECT_LT(want.curve.back(), 0.8 * want.curve.front());
}

TEST_F(CudaTraining, HasItWithTwoLabelsToARow) {
  TrainConfig c = config();
  c.augment.mixup = 1, c.augment.cutmix = 0.5;
  expect_loss_curve_of_reference(Library({backend}), c);
}

// A net like LeNet-5, whose last pooling, dense layers and loss are one op, with smoothed labels, two to a row, with parts of 3,
// 3 and 2 pictures, and with results that are dropped and made again.
TEST_F(CudaTraining, HasItWithAHead) {
  const Library gpu({backend});
  TrainConfig c = config();
  c.label_smoothing = 0.1f;
  const Outcome want = expect_loss_curve_of_reference(gpu, c, kU, 16, testing::kHeadNet);
  EXPECT_LT(want.curve.back(), 0.95 * want.curve.front());
  c.augment.mixup = 1;
  expect_loss_curve_of_reference(gpu, c, kU, 16, testing::kHeadNet);
  c.micro_batch = 3;
  expect_loss_curve_of_reference(gpu, c, kU, 16, testing::kHeadNet);
  const Outcome kept = train(gpu, c, -1, nullptr, testing::kHeadNet);
  c.arena_limit = 0;
  EXPECT_EQ(train(gpu, c, -1, nullptr, testing::kHeadNet).weights, kept.weights);
}

// With operands rounded for tensor cores the curve is another one, as near as roundings of that size make it: a product is
// off by two at most, and not all of them the same way as those of the nudged run.
TEST_F(CudaTraining, HasItInLowerPrecision) {
  if (const std::string why = only_fp32(); !why.empty()) GTEST_SKIP() << why;
  const Library exact({backend});
  const Outcome fp32 = train(exact, config());
  for (const char* math : {"tf32", "bf16"}) {
    SCOPED_TRACE(math);
    const Library rounding = exact.in_precision(math);
    // Two of three convolutions, but for the depthwise one; the dense layers have few outputs, and the first is fused.
    EXPECT_EQ(passes_in(math, rounding, true), 6);
    EXPECT_EQ(passes_in(math, rounding, false), 0) << "what validates is fp32";
    expect_loss_curve_of_reference(rounding, config(), operand_rounding(math), 1);
    const Outcome got = train(rounding, config());
    EXPECT_GT(testing::distance(got.curve, fp32.curve), 0);
    EXPECT_LT(got.curve.back(), 0.8 * got.curve.front());
    EXPECT_EQ(got.weights, train(rounding, config()).weights);
  }
}

TEST_F(CudaTraining, HasTheBitsOfStreamingWithResidentPictures) {
  const Library gpu({backend});
  TrainConfig c = config();
  c.augment.translate = 3;
  const Outcome streaming = train(gpu, c);
  c.resident = true;
  const Outcome resident = train(gpu, c);
  EXPECT_EQ(resident.weights, streaming.weights);
  EXPECT_EQ(resident.curve, streaming.curve);
}

TEST_F(CudaTraining, HasTheBitsOfKeptResultsWithDroppedOnes) {
  const Library gpu({backend});
  TrainConfig c = config();
  const Outcome kept = train(gpu, c);
  c.arena_limit = 0;
  const Outcome dropped = train(gpu, c);
  EXPECT_EQ(dropped.weights, kept.weights);
  EXPECT_EQ(dropped.curve, kept.curve);
}

TEST_F(CudaTraining, ResumesBitForBit) {
  const Library gpu({backend});
  const testing::TempFolder whole_folder, part_folder;
  const Outcome whole = train(gpu, config(whole_folder.path()));
  const TrainConfig in_parts = config(part_folder.path());
  train(gpu, in_parts, 8);
  const Checkpoint last(part_folder.path() + "/last.safetensors");
  const Outcome rest = train(gpu, in_parts, -1, &last);
  EXPECT_EQ(rest.weights, whole.weights);
  EXPECT_EQ(rest.epochs.back().val_loss, whole.epochs.back().val_loss);
}

}  // namespace
}  // namespace gabor
