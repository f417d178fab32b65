// Layers of one net on backends and variants of the model file's choice.
#include <gtest/gtest.h>

#include <cmath>

#include "model/nets.h"

namespace gabor {
namespace {

constexpr int kBatch = 4;

// Three convolutions; each may name a backend.
std::string net(const std::vector<std::string>& backends) {
  std::string toml;
  for (const std::string& b : backends)
    toml +=
        "[[layer]]\ntype = \"conv2d\"\nfilters = 6\nkernel = 3\npadding = \"same\"\nactivation = \"relu\"\n" +
        (b.empty() ? b : "backend = \"" + b + "\"\n");
  return toml +
         "[[layer]]\ntype = \"pool2d\"\nkind = \"max\"\n[[layer]]\ntype = \"flatten\"\n"
         "[[layer]]\ntype = \"dense\"\nunits = 3\nactivation = \"softmax\"\n";
}

struct Result {
  double loss = 0;
  std::vector<float> gradient;        // of the first layer's filters
  std::vector<std::string> backends;  // of the convolutions' passes, each where it first comes
};

Result run(const std::vector<std::string>& layers, const std::string& backend) {
  PlanOptions o;
  o.batch = kBatch, o.input = {10, 9, 3}, o.classes = 3, o.input_dtype = DType::f32;
  testing::Net n(net(layers), backend, o);
  const Shape shape = o.input.prepend(kBatch);
  const auto x = testing::random_floats(shape.count(), 5);
  const std::vector<int32_t> labels = {0, 1, 2, 1};
  n.executor.forward({x.data(), shape, DType::f32}, {labels.data(), {kBatch}, DType::i32}, 1.0f / kBatch, {});
  n.executor.backward();
  Result r;
  r.loss = n.executor.loss_sum();
  const TensorView g = n.parameters.grad(n.plan.parameters[0]);
  r.gradient.assign(g.as<float>(), g.as<float>() + g.count());
  for (const ChoiceRecord& c : n.plan.choices)
    if (c.op == "conv2d" && c.where.ends_with("wgrad")) r.backends.push_back(c.backend);
  return r;
}

TEST(MixedBackends, EachLayerOnItsOwnComputesTheSame) {
  const std::vector<std::string> mixed = {"cpu/direct", "cpu/onednn", "reference"};
  const Result r = run(mixed, "cpu"), want = run({"", "", ""}, "reference");
  EXPECT_EQ(r.backends, mixed);
  EXPECT_EQ(want.backends, std::vector<std::string>(3, "reference"));
  // Half a unit of the 24 bits for each of the longest sum's terms (54 products a layer, 3 layers; the batch's mean).
  const double u = std::ldexp(1.0, -24), layers = 3 * 54 + kBatch;
  EXPECT_GT(want.loss, 0.1);
  EXPECT_NEAR(r.loss, want.loss, layers * u * want.loss);
  double largest = 0, error = 0;
  for (size_t i = 0; i < want.gradient.size(); i++) {
    largest = std::max(largest, double(std::fabs(want.gradient[i])));
    error = std::max(error, double(std::fabs(r.gradient[i] - want.gradient[i])));
  }
  EXPECT_GT(largest, 0.01);
  EXPECT_LT(error, 10 * 9 * kBatch * layers * u * largest);
}

// The fused first block is a kernel of another name: who asks for one by name gets that one.
TEST(MixedBackends, AKernelAskedForIsNotFusedAway) {
  const auto library = make_library("cpu", 0);
  PlanOptions o;
  o.batch = kBatch, o.input = {12, 12, 3}, o.classes = 3;
  for (const auto& [backend, fused] : {std::pair{"", true}, {"cpu", true}, {"cpu/onednn", false}}) {
    const Plan plan = testing::compile_text(net({backend}), *library, o);
    const bool has = std::any_of(plan.choices.begin(), plan.choices.end(),
                                 [](const ChoiceRecord& c) { return c.op == "first_block"; });
    EXPECT_EQ(has, fused) << backend;
  }
}

}  // namespace
}  // namespace gabor
