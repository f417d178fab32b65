// Whole trainings on the cuda backend. The memory of the emulated GPU is sealed while no kernel runs: that they end at all
// shows that no host code touches a device pointer.
#include <cmath>
#include <iostream>

#include "backends/all.h"
#include "backends/cuda/gpu.h"
#include "backends/cuda/training_run.h"
#include "model/nets.h"
#include "ops/budget.h"
#include "temp_folder.h"

namespace gabor {
namespace {

using testing::config;
using testing::Outcome;
using testing::train;

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
                                       double times = 16, const testing::Task& task = {}) {
  const auto reference = make_library("reference", 0);
  const Outcome want = train(*reference, c, -1, nullptr, task), got = train(gpu, c, -1, nullptr, task);
  TrainConfig nudged = c;
  nudged.lr *= float(1 + 16 * roundoff);
  const double natural = testing::distance(train(*reference, nudged, -1, nullptr, task).curve, want.curve);
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
  const testing::Task task{testing::kHeadNet};
  TrainConfig c = config();
  c.label_smoothing = 0.1f;
  const Outcome want = expect_loss_curve_of_reference(gpu, c, kU, 16, task);
  EXPECT_LT(want.curve.back(), 0.95 * want.curve.front());
  c.augment.mixup = 1;
  expect_loss_curve_of_reference(gpu, c, kU, 16, task);
  c.micro_batch = 3;
  expect_loss_curve_of_reference(gpu, c, kU, 16, task);
  const Outcome kept = train(gpu, c, -1, nullptr, task);
  c.arena_limit = 0;
  EXPECT_EQ(train(gpu, c, -1, nullptr, task).weights, kept.weights);
}

// With operands rounded for tensor cores the curve is another one, as near as roundings of that size make it: a product is
// off by two at most, and not all of them the same way as those of the nudged run.
TEST_F(CudaTraining, HasItInTf32) {
  if (const std::string why = only_fp32(); !why.empty()) GTEST_SKIP() << why;
  const Library exact({backend});
  const Outcome fp32 = train(exact, config());
  const Library rounding = exact.in_precision("tf32");
  // Two of three convolutions, but for the depthwise one; the dense layers have few outputs, and the first is fused.
  EXPECT_EQ(passes_in("tf32", rounding, true), 6);
  EXPECT_EQ(passes_in("tf32", rounding, false), 0) << "what validates is fp32";
  expect_loss_curve_of_reference(rounding, config(), operand_rounding("tf32"), 1);
  const Outcome got = train(rounding, config());
  EXPECT_GT(testing::distance(got.curve, fp32.curve), 0);
  EXPECT_LT(got.curve.back(), 0.8 * got.curve.front());
  EXPECT_EQ(got.weights, train(rounding, config()).weights);
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
