// Shadow training where the two backends have different memories: every tensor goes through the host.
#include "duel/shadow.h"

#include "backends/all.h"
#include "backends/cuda/gpu.h"
#include "backends/cuda/tiny_net.h"
#include "model/executor.h"
#include "model/plan.h"
#include "train/sets.h"

namespace gabor {
namespace {

constexpr int64_t kBatch = 8;

// One step of training's forward and backward, checked.
std::vector<ShadowCheck> checked_step(Shadow& shadow) {
  PlanOptions o;
  o.batch = kBatch, o.input = {12, 12, 1}, o.classes = 2;
  o.normalize = {{1 / 127.5f, 1, 1, 1}, {-1, 0, 0, 0}};
  const Plan plan = compile(parse_model(testing::kTinyNet, "tiny"), shadow.library(), o);
  Device& device = shadow.library().device();
  Parameters parameters(device, plan.parameters, plan.parameter_elements, true);
  parameters.initialize(3);
  Executor executor(plan, device, parameters, 3);
  executor.on_step = [&](const Step& step, bool backward, double) { shadow.step_ran(step, backward); };
  const PictureSet set = testing::bars(kBatch);
  const std::vector<int32_t> labels(set.labels.begin(), set.labels.end());
  shadow.begin_step();
  executor.forward({set.pixels.data(), {kBatch, 12, 12, 1}, DType::u8}, {labels.data(), {kBatch}, DType::i32},
                   1.0f / kBatch, {});
  executor.backward();
  return shadow.end_step();
}

void expect_right(const Shadow& shadow, const std::vector<ShadowCheck>& checks,
                  const std::set<std::string>& unchecked = {
                      "add_1 add", "dense_2's gradients behind its pooling and each ReLU",
                      "dropout_1 dropout", "the optimizer's update"}) {
  EXPECT_GT(checks.size(), 25u);
  for (const ShadowCheck& c : checks) EXPECT_EQ(c.fault, "") << c.label;
  EXPECT_EQ(shadow.breach(), nullptr);
  EXPECT_EQ(shadow.summary().unchecked, unchecked);
}

class CudaShadow : public testing::GpuTest {};

TEST_F(CudaShadow, OfTheHostFindsItRight) {
  const Library main({backend});
  const auto second = make_library("reference", 0);
  Shadow shadow(main, *second);
  expect_right(shadow, checked_step(shadow));
}

// Ops that round their operands are judged by what that allows, the others as in fp32. The former's errors are a visible
// share of that; had nothing been rounded it would be below a thousandth.
TEST_F(CudaShadow, OfTheHostFindsLowerPrecisionRight) {
  if (const std::string why = only_fp32(); !why.empty()) GTEST_SKIP() << why;
  const auto second = make_library("reference", 0);
  const Library main = Library({backend}).in_precision("tf32");
  Shadow shadow(main, *second);
  const std::vector<ShadowCheck> checks = checked_step(shadow);
  expect_right(shadow, checks);
  const auto fraction = [&](const std::string& label) {
    const auto at =
        std::find_if(checks.begin(), checks.end(), [&](const ShadowCheck& c) { return c.label == label; });
    return at == checks.end() ? -1 : at->fraction;
  };
  for (const char* rounded : {"a y", "a dw", "a dx"}) EXPECT_GT(fraction(rounded), 0.01) << rounded;
}

TEST_F(CudaShadow, FindsTheHostRight) {
  const auto main = make_library("cpu", 0);
  const Library second({backend});
  Shadow shadow(*main, second);
  expect_right(shadow, checked_step(shadow), {"add_1 add", "dropout_1 dropout", "the optimizer's update"});
}

}  // namespace
}  // namespace gabor
