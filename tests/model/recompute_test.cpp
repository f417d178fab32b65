#include "model/recompute.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "core/error.h"
#include "model/nets.h"
#include "model/step_cost.h"

namespace gabor {
namespace {

// Every type of layer, with branches, statistics of a batch and what is drawn at random.
const char* const kEverything = R"(
[[layer]]
type = "conv2d"
name = "a"
filters = 6
kernel = 3
padding = "same"
activation = "relu"
[[layer]]
type = "batchnorm"
[[layer]]
type = "activation"
kind = "relu"
name = "b"
[[layer]]
type = "conv2d"
filters = 6
kernel = 3
padding = "same"
activation = "silu"
name = "c"
[[layer]]
type = "add"
from = ["b", "c"]
[[layer]]
type = "pool2d"
kind = "max"
[[layer]]
type = "dropout"
rate = 0.3
[[layer]]
type = "conv2d"
filters = 6
kernel = 3
padding = "same"
bias = false
[[layer]]
type = "batchnorm"
[[layer]]
type = "activation"
kind = "tanh"
[[layer]]
type = "pool2d"
kind = "l2"
size = 3
stride = 2
[[layer]]
type = "conv2d"
filters = 8
kernel = 3
activation = "relu"
[[layer]]
type = "pool2d"
kind = "average"
[[layer]]
type = "flatten"
[[layer]]
type = "dense"
units = 12
activation = "gelu"
[[layer]]
type = "dense"
units = "classes"
activation = "softmax"
)";

PlanOptions options(size_t limit) {
  PlanOptions o;
  o.batch = 6, o.input = {24, 24, 3}, o.classes = 3;
  o.normalize.scale = {0.01f, 0.01f, 0.01f, 1};
  o.arena_limit = limit;
  return o;
}

// All parameters, with running statistics, and their gradients after some steps of plain descent; and the losses.
std::vector<float> trained(const std::string& net, const std::string& backend, const PlanOptions& o) {
  testing::Net n(net, backend, o, 5);
  std::vector<int32_t> labels;
  for (int64_t i = 0; i < o.batch; i++) labels.push_back(int32_t(i % o.classes));
  std::vector<float> all;
  for (uint64_t step = 0; step < 3; step++) {
    const auto pixels = testing::random_bytes(o.batch * o.input.count(), uint32_t(step));
    n.executor.forward({pixels.data(), o.input.prepend(o.batch), DType::u8},
                       {labels.data(), {o.batch}, DType::i32}, 1.0f / float(o.batch), {.step = step});
    n.executor.backward();
    all.push_back(n.executor.loss_sum());
    float* w = n.parameters.values().as<float>();
    const float* g = n.parameters.grads().as<float>();
    for (int64_t i = 0; i < n.parameters.elements(); i++) w[i] -= 0.05f * g[i];
    all.insert(all.end(), w, w + n.parameters.elements());
    all.insert(all.end(), g, g + n.parameters.elements());
  }
  return all;
}

int again_in(const Plan& plan) { return recompute_cost(plan).steps; }

TEST(Recompute, LeavesTheSameBits) {
  for (const std::string& net :
       {std::string(kEverything), to_toml(find_model("vgg-bn")), to_toml(find_model("vgg-small"))})
    for (const char* backend : {"reference", "cpu"})
      for (const bool fuse : {true, false}) {
        PlanOptions o = options(kNoArenaLimit);
        o.fuse = fuse;
        const std::vector<float> want = trained(net, backend, o);
        o.arena_limit = 0;
        const auto library = make_library(backend, 0);
        ASSERT_GE(again_in(testing::compile_text(net, *library, o)), 1) << backend << fuse;
        const std::vector<float> got = trained(net, backend, o);
        ASSERT_EQ(got.size(), want.size());
        EXPECT_EQ(std::memcmp(got.data(), want.data(), want.size() * sizeof(float)), 0) << backend << fuse;
      }
}

// Limits from none to the least: the arena keeps to each.
TEST(Recompute, DropsNoMoreThanTheLimitAsksFor) {
  const auto library = make_library("cpu", 0);
  const auto plan_within = [&](size_t limit) {
    return compile(find_model("vgg-bn"), *library, options(limit));
  };
  const Plan whole = plan_within(kNoArenaLimit), least = plan_within(0);
  EXPECT_EQ(again_in(whole), 0);
  EXPECT_EQ(plan_within(whole.memory.arena_bytes).memory.arena_bytes, whole.memory.arena_bytes);
  EXPECT_LT(least.memory.arena_bytes, 0.75 * double(whole.memory.arena_bytes));
  for (int percent = 95; percent > 0; percent -= 5) {
    const size_t limit = whole.memory.arena_bytes * size_t(percent) / 100;
    const Plan plan = plan_within(limit);
    if (limit >= least.memory.arena_bytes)
      EXPECT_LE(plan.memory.arena_bytes, limit);
    else
      EXPECT_EQ(plan.memory.arena_bytes, least.memory.arena_bytes);
    if (percent >= 90) EXPECT_LT(again_in(plan), again_in(least)) << percent;
    EXPECT_GT(again_in(plan), 0);
  }
}

TEST(Recompute, RunsEachStepAtMostOnceMoreAndBeforeItIsNeeded) {
  const auto library = make_library("cpu", 0);
  const Plan plan = testing::compile_text(kEverything, *library, options(0));
  std::vector<int> forwards(plan.steps.size(), 0), backwards = forwards;
  std::vector<bool> there(size_t(plan.table.size()), false);
  std::vector<bool> again(plan.steps.size(), false);
  for (const Action& a : plan.schedule)
    again[size_t(a.step)] = again[size_t(a.step)] || a.kind == ActionKind::again;
  int last_forward = 0;
  for (const Action& a : plan.schedule) last_forward += a.kind == ActionKind::forward;
  ASSERT_EQ(last_forward, int(plan.steps.size()));
  for (size_t time = 0; time < plan.schedule.size(); time++) {
    const Action a = plan.schedule[time];
    const StepUses u = plan.steps[size_t(a.step)]->uses();
    const auto placed = [&](TensorId t) { return plan.memory.value_offset[size_t(t)] != kNotPlaced; };
    for (TensorId t : a.kind == ActionKind::backward ? u.keeps : u.reads)
      if (placed(t)) EXPECT_TRUE(there[size_t(plan.table.root(t))]) << plan.table[t].name << " at " << time;
    if (a.kind == ActionKind::backward) {
      backwards[size_t(a.step)]++;
      continue;
    }
    forwards[size_t(a.step)]++;
    for (TensorId t : u.writes) there[size_t(plan.table.root(t))] = true;
    if (time + 1 == plan.steps.size())  // forward is over: what is dropped is gone
      for (size_t i = 0; i < plan.steps.size(); i++)
        for (TensorId t : plan.steps[i]->uses().writes)
          if (again[i]) there[size_t(plan.table.root(t))] = false;
  }
  for (size_t i = 0; i < plan.steps.size(); i++) {
    EXPECT_EQ(backwards[i], 1) << i;
    EXPECT_EQ(forwards[i], again[i] ? 2 : 1) << i;
  }
  EXPECT_FALSE(again.back()) << "the loss";
}

// Of n equal layers some 2 sqrt(n) values have to be held at a time, for one more forward at most.
TEST(Recompute, MemoryOfADeepNetGrowsAsItsRoot) {
  const auto library = make_library("cpu", 0);
  const auto held = [&](int layers, size_t limit) {
    std::string net;
    for (int i = 0; i < layers; i++)
      net +=
          "[[layer]]\ntype = \"conv2d\"\nfilters = 4\nkernel = 3\npadding = \"same\"\nactivation = "
          "\"relu\"\n";
    net += "[[layer]]\ntype = \"global_pool\"\n[[layer]]\ntype = \"dense\"\nunits = 3\n";
    const PlanOptions o = options(limit);
    const Plan plan = testing::compile_text(net, *library, o);
    EXPECT_LT(recompute_cost(plan).flops_share, 1.0 / 3 + 0.01);
    return double(plan.memory.arena_bytes) / double(o.batch * 24 * 24 * 4 * int64_t(sizeof(float)));
  };
  for (const int n : {16, 36, 64}) {
    EXPECT_GT(held(n, kNoArenaLimit), n);
    EXPECT_LT(held(n, 0), 2.5 * std::sqrt(n)) << n;
  }
}

TEST(Recompute, IsForTrainingOnly) {
  const auto library = make_library("cpu", 0);
  PlanOptions o = options(0);
  o.training = false;
  const Plan plan = compile(find_model("vgg-bn"), *library, o);
  EXPECT_EQ(again_in(plan), 0);
  EXPECT_EQ(plan.schedule.size(), plan.steps.size());
}

}  // namespace
}  // namespace gabor
