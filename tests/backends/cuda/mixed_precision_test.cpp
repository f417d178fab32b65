// Training whose tensors are 16-bit, from the plan to the checkpoint. The ops themselves: cuda_ops_test.cpp.
#include <algorithm>
#include <cmath>
#include <iostream>

#include "backends/cuda/gpu.h"
#include "backends/cuda/training_run.h"
#include "model/step_cost.h"
#include "ops/budget.h"
#include "temp_folder.h"
#include "train/training_memory.h"

namespace gabor {
namespace {

using testing::config;
using testing::distance;
using testing::Outcome;
using testing::Task;
using testing::train;

class MixedPrecisionTraining : public testing::GpuTest {
 protected:
  Library in(const char* math) const { return Library({backend}).in_precision(math); }
};

PlanOptions bars_options() {
  PlanOptions o;
  o.batch = 8, o.input = {12, 12, 1}, o.classes = 2;
  return o;
}

TEST_F(MixedPrecisionTraining, KeepsEveryTensorBetweenOpsIn16Bits) {
  for (const auto& [math, type] : {std::pair{"bf16", DType::bf16}, {"fp16", DType::f16}}) {
    const Library half = in(math);
    const Plan plan = compile(parse_model(testing::kTinyNet, "tiny"), half, bars_options());
    EXPECT_EQ(plan.mixed.storage, type);
    EXPECT_TRUE(plan.mixed.cast);
    EXPECT_EQ(plan.mixed.norm != nullptr, type == DType::f16) << "bf16 has the range of f32";
    for (TensorId t = 0; t < plan.table.size(); t++) {
      const TensorInfo& info = plan.table[t];
      if (info.role == TensorRole::activation) {
        EXPECT_EQ(info.dtype, type) << info.name;
      }
      if (info.role == TensorRole::parameter) {
        EXPECT_EQ(info.dtype, info.name.ends_with(".weight") ? type : DType::f32) << info.name;
      }
    }
    PlanOptions validating = bars_options();
    validating.training = false;
    const Plan exact = compile(parse_model(testing::kTinyNet, "tiny"), half, validating);
    EXPECT_EQ(exact.mixed.storage, DType::f32);
    EXPECT_EQ(exact.table[exact.output].dtype, DType::f32);
  }
}

TEST_F(MixedPrecisionTraining, TakesPicturesAsBytesAlone) {
  PlanOptions o = bars_options();
  o.input_dtype = DType::f32;
  try {
    compile(parse_model(testing::kTinyNet, "tiny"), in("bf16"), o);
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::usage);
    EXPECT_STREQ(e.what(), "tiny: pictures in f32 cannot be trained on in bf16: give them as bytes");
  }
}

TEST_F(MixedPrecisionTraining, IsPlannedWithTwoBytesAnElement) {
  const Graph net = parse_model(testing::kBarsNet, "bars");
  const Library full = in("fp32"), half = in("bf16");  // they own what plans point at
  const TrainingMemory wide = training_memory(net, full, bars_options(), 8, 2),
                       narrow = training_memory(net, half, bars_options(), 8, 2);
  const Plan plan = compile(net, half, bars_options());
  EXPECT_EQ(narrow.parameters - wide.parameters, double(plan.parameter_elements) * 2);
  EXPECT_EQ(narrow.evaluation, wide.evaluation);
  EXPECT_LT(narrow.arena, 0.75 * wide.arena);  // arg-max stays as it is
  const std::vector<StepCost> costs = step_costs(plan);
  const auto dense =
      std::find_if(costs.begin(), costs.end(), [](const StepCost& c) { return c.op == "dense"; });
  ASSERT_NE(dense, costs.end());
  // Reads x, w, b, writes y; then reads x, w and dy, and writes dx in two bytes, dw and db in four.
  const int64_t x = 8 * 5 * 5 * 4, w = 5 * 5 * 4 * 2, y = 8 * 2, b = 2;
  EXPECT_EQ(dense->moved_bytes, 2 * (x + w + y) + 4 * b + 2 * (x + w + y + x) + 4 * (w + b));
}

// Every tensor is rounded, some up and some down. A run in fp32 whose rate is off by 16 roundings of that size says how much
// training magnifies them.
TEST_F(MixedPrecisionTraining, HasALossCurveNearFp32s) {
  for (const auto& [math, net] :
       {std::pair{"bf16", testing::kTinyNet}, {"bf16", testing::kBarsNet}, {"fp16", testing::kBarsNet}}) {
    SCOPED_TRACE(math);
    const Task task{net};
    const Outcome exact = train(in("fp32"), config(), -1, nullptr, task);
    TrainConfig nudged = config();
    nudged.lr *= float(1 + 16 * operand_rounding(math));
    const double natural = distance(train(in("fp32"), nudged, -1, nullptr, task).curve, exact.curve);
    const Outcome got = train(in(math), config(), -1, nullptr, task);
    const double off = distance(got.curve, exact.curve);
    std::cout << math << " off by " << off << " of a loss of " << exact.curve.front() << " -> "
              << exact.curve.back() << "; fp32 nudged by 16 roundings off by " << natural << "\n";
    EXPECT_GT(off, 0);
    EXPECT_LT(off, natural);
    EXPECT_LT(got.curve.back(), 0.8 * got.curve.front());
    EXPECT_EQ(got.epochs.back().skipped, 0);
    EXPECT_EQ(got.epochs.back().loss_scale, std::string(math) == "fp16" ? LossScaleState{}.scale : 1);
    EXPECT_EQ(got.weights, train(in(math), config(), -1, nullptr, task).weights);
  }
}

// Batch normalisation and L2 pooling enlarge gradients: the first scale is too much for them, and is brought down.
TEST_F(MixedPrecisionTraining, InF16OfANetWithLargeGradients) {
  const Outcome exact = train(in("fp32"), config()), got = train(in("fp16"), config());
  EXPECT_GT(got.epochs.front().skipped, 0);
  EXPECT_LT(got.epochs.back().loss_scale, LossScaleState{}.scale);
  EXPECT_LT(got.curve.back(), 0.8 * got.curve.front());
  EXPECT_NEAR(got.epochs.back().val_loss, exact.epochs.back().val_loss, 0.2);
}

// The weights' copy is made once a batch, and gradients add up in f32.
TEST_F(MixedPrecisionTraining, InMicroBatchesOrWithDroppedResults) {
  const Task task{testing::kBarsNet};
  for (const char* math : {"bf16", "fp16"}) {
    SCOPED_TRACE(math);
    const Outcome whole = train(in(math), config(), -1, nullptr, task);
    TrainConfig parts = config();
    parts.micro_batch = 4;
    const Outcome got = train(in(math), parts, -1, nullptr, task);
    // Sums are taken in another order, and dropout draws other masks.
    EXPECT_LT(distance(got.curve, whole.curve), 0.2);
    EXPECT_LT(got.curve.back(), 0.8 * got.curve.front());
    TrainConfig dropping = config();
    dropping.arena_limit = 0;
    EXPECT_EQ(train(in(math), dropping, -1, nullptr, task).weights, whole.weights);
  }
}

const Task kOverflowing{testing::kOverflowingNet};

TrainConfig slow(const std::string& out = "") {
  TrainConfig c = config(out);
  c.lr = 0x1p-11f;  // what its first dense layer learns is enlarged by the weights of the last
  return c;
}

TEST_F(MixedPrecisionTraining, SkipsStepsWhoseGradientsOverflowAndThenLearns) {
  TrainConfig c = slow();
  c.epochs = 1, c.max_steps = 1;
  const Library half = in("fp16");
  Plan plan = compile(parse_model(kOverflowing.net, "net"), half, bars_options());
  Parameters fresh(half.device(), plan.parameters, plan.parameter_elements, false);
  fresh.initialize(c.seed);
  std::vector<float> initial(size_t(fresh.elements()));
  half.device().copy_from(initial.data(), fresh.values().data, fresh.values().bytes());
  const Outcome skipped = train(half, c, -1, nullptr, kOverflowing);
  EXPECT_EQ(skipped.epochs.at(0).skipped, 1);
  EXPECT_EQ(skipped.weights, initial);

  const Outcome learnt = train(half, slow(), -1, nullptr, kOverflowing);
  EXPECT_GE(learnt.epochs.at(0).skipped, 2) << "the second step ran with the same scale";
  EXPECT_LT(learnt.epochs.at(0).loss_scale, LossScaleState{}.scale);
  EXPECT_EQ(learnt.epochs.back().skipped, 0);
  EXPECT_LT(learnt.epochs.back().train_loss, 0.8 * learnt.epochs.front().train_loss);
}

// Stopped where scale, count of good steps and the last step's outcome all matter to what comes next.
TEST_F(MixedPrecisionTraining, ResumesBitForBit) {
  const Library half = in("fp16");
  const testing::TempFolder whole_folder;
  const Outcome whole = train(half, slow(whole_folder.path()), -1, nullptr, kOverflowing);
  for (const int64_t stop_at : {1, 2, 3, 8}) {
    const testing::TempFolder folder;
    train(half, slow(folder.path()), stop_at, nullptr, kOverflowing);
    const Checkpoint last(folder.path() + "/last.safetensors");
    const Outcome rest = train(half, slow(folder.path()), -1, &last, kOverflowing);
    EXPECT_EQ(rest.weights, whole.weights) << stop_at;
    EXPECT_EQ(rest.epochs.back().loss_scale, whole.epochs.back().loss_scale) << stop_at;
    int64_t skipped = 0, want = 0;
    for (const EpochRecord& e : rest.epochs) skipped += e.skipped;
    for (const EpochRecord& e : whole.epochs) want += e.epoch >= rest.epochs.front().epoch ? e.skipped : 0;
    EXPECT_EQ(skipped, want) << stop_at;
  }
}

// Pictures that are 0 make every activation 0 and the loss finite, while gradients grow beyond f16 from layer to layer
// whatever the loss is scaled by.
TEST_F(MixedPrecisionTraining, EndsWhereNoScaleHelps) {
  Task task;
  task.net = "[[layer]]\ntype = \"flatten\"\n";
  for (const char* units : {"4", "4", "4", "\"classes\""})
    task.net += std::string("[[layer]]\ntype = \"dense\"\ninit = \"uniform\"\ninit_scale = 10000\nunits = ") +
                units + "\n";
  std::fill(task.pictures.pixels.begin(), task.pictures.pixels.end(), uint8_t{0});
  TrainConfig c = config();
  c.epochs = 20, c.preprocess.scaling = Scaling::none;
  try {
    train(in("fp16"), c, -1, nullptr, task);
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::numeric);
    EXPECT_NE(std::string(e.what()).find(": the gradients are not all numbers, even unscaled;"),
              std::string::npos)
        << e.what();
  }
}

}  // namespace
}  // namespace gabor
