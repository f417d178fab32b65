#include <gtest/gtest.h>

#include "model/nets.h"
#include "model/step_cost.h"

namespace gabor {
namespace {

// Runs a net whose arena is packed, and again with every tensor in a place of its own; the numbers must be
// the same.
std::vector<float> gradients(const Plan& plan, const Library& library, MemoryPlan memory) {
  // A plan cannot be copied (steps are unique), so only its memory is exchanged.
  Plan& p = const_cast<Plan&>(plan);
  std::swap(p.memory, memory);
  Parameters parameters(library.device(), plan.parameters, plan.parameter_elements, true);
  parameters.initialize(5);
  Executor executor(plan, library.device(), parameters, 1);
  const int64_t n = plan.options.batch;
  const auto pixels = testing::random_bytes(n * plan.options.input.count(), 9);
  std::vector<int32_t> labels;
  for (int64_t i = 0; i < n; i++) labels.push_back(int32_t(i % plan.options.classes));
  executor.forward({pixels.data(), plan.options.input.prepend(n), DType::u8},
                   {labels.data(), {n}, DType::i32}, 1.0f / float(n), {});
  executor.backward();
  std::swap(p.memory, memory);
  const float* g = parameters.grads().as<float>();
  return {g, g + parameters.elements()};
}

MemoryPlan everything_apart(const Plan& plan) {
  MemoryPlan m = plan.memory;
  size_t at = 0;
  for (auto* offsets : {&m.value_offset, &m.grad_offset})
    for (TensorId t = 0; t < plan.table.size(); t++) {
      size_t& o = (*offsets)[size_t(t)];
      if (o == kNotPlaced) continue;
      if (plan.table[t].alias_of != kNoTensor) {
        o = (*offsets)[size_t(plan.table.root(t))];
        continue;
      }
      o = at;
      at += aligned(plan.table.bytes(t, plan.options.batch));
    }
  m.arena_bytes = at;
  return m;
}

TEST(MemoryPlan, SharedBytesChangeNothing) {
  const std::string residual =
      "[[layer]]\ntype = \"conv2d\"\nname = \"a\"\nfilters = 4\nkernel = 3\npadding = \"same\"\nactivation = "
      "\"relu\"\n"
      "[[layer]]\ntype = \"conv2d\"\nname = \"b\"\nfilters = 4\nkernel = 3\npadding = \"same\"\nactivation = "
      "\"silu\"\n"
      "[[layer]]\ntype = \"add\"\nfrom = [\"a\", \"b\"]\nname = \"sum\"\n"
      "[[layer]]\ntype = \"add\"\nfrom = [\"sum\", \"a\"]\n[[layer]]\ntype = \"batchnorm\"\n"
      "[[layer]]\ntype = \"pool2d\"\nkind = \"l2\"\n[[layer]]\ntype = \"dropout\"\nrate = "
      "0.3\n[[layer]]\ntype = \"flatten\"\n"
      "[[layer]]\ntype = \"dense\"\nunits = 5\nactivation = \"tanh\"\n[[layer]]\ntype = \"dense\"\nunits = "
      "3\nactivation = \"softmax\"\n";
  for (const std::string& toml : {residual, to_toml(find_model("vgg-small"))})
    for (const char* backend : {"reference", "cpu"}) {
      const auto library = make_library(backend, 0);
      PlanOptions o;
      o.batch = 3;
      o.input = {16, 16, 3};
      o.classes = 3;
      o.normalize.scale = {0.01f, 0.01f, 0.01f, 1};
      const Plan plan = testing::compile_text(toml, *library, o);
      const MemoryPlan apart = everything_apart(plan);
      EXPECT_LT(plan.memory.arena_bytes, apart.arena_bytes);
      EXPECT_EQ(gradients(plan, *library, plan.memory), gradients(plan, *library, apart)) << backend;
    }
}

TEST(MemoryPlan, TheEagerPlanComputesTheSame) {
  const auto library = make_library("cpu", 0);
  PlanOptions o;
  o.batch = 3;
  o.input = {16, 16, 3};
  o.classes = 3;
  const Plan eager = compile_eager(find_model("vgg-small"), *library, o);
  o.fuse = false;
  const Plan plan = compile(find_model("vgg-small"), *library, o);
  EXPECT_LT(plan.memory.arena_bytes, eager.memory.arena_bytes);
  EXPECT_EQ(gradients(plan, *library, plan.memory), gradients(eager, *library, eager.memory));
}

TEST(MemoryPlan, InferenceNeedsFarLess) {
  const auto library = make_library("reference", 0);
  PlanOptions o;
  o.batch = 8;
  o.classes = 2;
  const Plan training = compile(find_model("vgg-small"), *library, o);
  o.training = false;
  const Plan inference = compile(find_model("vgg-small"), *library, o);
  EXPECT_LT(double(inference.memory.arena_bytes), 0.6 * double(training.memory.arena_bytes));
}

}  // namespace
}  // namespace gabor
