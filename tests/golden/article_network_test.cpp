// The article's network and run (ARTICLE 1.2), row by row. B08 to B10 are in article_test.cpp, with the ops.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "core/problem/dense.h"
#include "data/split.h"
#include "model/nets.h"
#include "ops/steps/weighted_step.h"
#include "optim/optimizer_state.h"
#include "temp_folder.h"
#include "train/sets.h"
#include "train/trainer.h"

namespace gabor {
namespace {

using testing::error_of;
namespace fs = std::filesystem;

Plan article(int64_t batch, bool fuse = true, int64_t classes = 0) {
  static const auto library = make_library("cpu", 0);
  PlanOptions o;
  o.batch = batch;
  o.fuse = fuse;
  o.classes = classes;
  return compile(find_model("article"), *library, o);
}

int64_t bytes_of(const Plan& plan, const std::string& name) {
  for (TensorId t = 0; t < plan.table.size(); t++)
    if (plan.table[t].name == name) return int64_t(plan.table.bytes(t, plan.options.batch));
  ADD_FAILURE() << "no tensor " << name;
  return 0;
}

double mib(int64_t bytes) { return double(bytes) / (1 << 20); }

TEST(Article, B01) {
  EXPECT_EQ(find_model("article").input, (Shape{300, 300, 3}));
  EXPECT_EQ(resize_from_name("linear"),
            Resize::linear);  // cv2.resize, offered beside the antialiased default
  // Classes are numbered by name, whatever the order of the files: cat 0, dog 1.
  const testing::TempFolder folder;
  const fs::path root = folder.path();
  for (const char* c : {"dog", "cat"})
    for (int i = 0; i < 4; i++) {
      fs::create_directories(root / c);
      std::ofstream(root / c / (std::to_string(i) + ".jpg")) << c << i;
    }
  const DataSplits data = open_data(root.string(), {});
  EXPECT_EQ(data.dataset->classes(), (std::vector<std::string>{"cat", "dog"}));
  for (size_t i = 0; i < data.dataset->size(); i++)
    EXPECT_EQ(data.dataset->label(i), data.dataset->name(i).find("dog") != std::string::npos);
}

TEST(Article, B02) {
  const int64_t picture = 300 * 300 * 3;
  EXPECT_EQ(23000 * picture, 6210000000);
  EXPECT_EQ(23000 * picture * 4, 24840000000);
  // What is held instead, whatever the number of pictures: prefetch + 2 batches of uint8.
  const LoaderOptions loader;
  EXPECT_EQ((loader.prefetch + 2) * 128 * picture, 138240000);
}

TEST(Article, B03) {
  const Plan plan = article(128, false);
  std::vector<std::string> types;
  for (const LayerNote& l : plan.layers) types.push_back(l.type);
  EXPECT_EQ(types, (std::vector<std::string>{"input", "conv2d", "pool2d", "flatten", "dense"}));
  EXPECT_EQ(plan.steps[1]->problem(), "N=128 H=300 W=300 C=3 K=10 R=5 S=5 pad=0,0 stride=1,1");
  const TrainConfig config;
  EXPECT_EQ(config.epochs, 5);
  EXPECT_EQ(config.batch, 128);
  EXPECT_EQ(config.optimizer.kind, OptimizerKind::adam);
  EXPECT_EQ(config.loss, LossKind::softmax_xent);
  EXPECT_EQ(SplitOptions{}.val_split, 0.3);
}

TEST(Article, B04) {
  const Plan plan = article(1);
  const std::vector<std::pair<std::string, int64_t>> expected = {
      {"300x300x3", 0}, {"296x296x10", 760}, {"148x148x10", 0}, {"219040", 0}};
  for (size_t i = 0; i < expected.size(); i++) {
    EXPECT_EQ(plan.layers[i].output.str(), expected[i].first);
    EXPECT_EQ(plan.layers[i].parameters, expected[i].second);
  }
  EXPECT_EQ((5 * 5 * 3 + 1) * 10, 760);
  EXPECT_EQ(148 * 148 * 10 + 1 + 760, 219801);  // the article's total, for its one unit
}

TEST(Article, B05) {
  const Plan plan = article(1);
  EXPECT_EQ(plan.layers[4].parameters, 438082);
  EXPECT_EQ(plan.parameter_count(), 438842);
  EXPECT_NE(error_of([] { article(1, true, 1); }).find("a softmax over 1 unit is always 1"),
            std::string::npos);
  const std::string one =
      "[[layer]]\ntype = \"flatten\"\n[[layer]]\ntype = \"dense\"\nunits = 1\nactivation = \"softmax\"\n";
  const auto library = make_library("cpu", 0);
  PlanOptions o;
  o.input = {4, 4, 3};
  o.classes = 2;
  EXPECT_NE(
      error_of([&] { testing::compile_text(one, *library, o); }).find("a softmax over 1 unit is always 1"),
      std::string::npos);
  const std::string three =
      "[[layer]]\ntype = \"flatten\"\n[[layer]]\ntype = \"dense\"\nunits = 3\nactivation = \"softmax\"\n";
  EXPECT_NE(error_of([&] {
              testing::compile_text(three, *library, o);
            }).find("ends in 3 outputs but there are 2 classes"),
            std::string::npos);
}

TEST(Article, B06) {
  const auto library = make_library("cpu", 0);
  PlanOptions o;
  o.input = {4, 4, 3};
  o.classes = 2;
  const std::string toml =
      "[[layer]]\ntype = \"flatten\"\n[[layer]]\ntype = \"dense\"\nunits = 2\ninput_dim = 50\n";
  EXPECT_EQ(error_of([&] { testing::compile_text(toml, *library, o); }),
            "net.toml:6:13: layer 'dense_1': 'input_dim' has no meaning here: every layer takes its input "
            "size from the layer before it");
}

TEST(Article, B07) {
  static const auto library = make_library("cpu", 0);
  PlanOptions o;
  EXPECT_EQ(o.loss, LossKind::softmax_xent);
  o.loss = LossKind::mse;
  const Plan plan = compile(find_model("article"), *library, o);
  EXPECT_EQ(std::string(plan.steps.back()->op()), "mse");
  EXPECT_EQ(std::string(plan.steps[plan.steps.size() - 2]->op()),
            "softmax");  // the error is of probabilities
}

TEST(Article, B11) {
  EXPECT_EQ(validation_count(23000, 0.3, false), 6900u);
  EXPECT_EQ(validation_count(23000, 0.3, true), 6901u);  // floor(23000 * (1.0 - 0.3)) = 16099
  auto steps = [](int n) { return (n + 127) / 128; };
  EXPECT_EQ(steps(16099), 126);
  EXPECT_EQ(16099 - 125 * 128, 99);
  EXPECT_EQ(steps(16100), 126);
  EXPECT_EQ(16100 - 125 * 128, 100);
}

TEST(Article, B12) {
  // Cats first, dogs last: the article's split would validate on dogs alone.
  std::vector<uint32_t> samples;
  std::vector<int> labels;
  for (uint32_t i = 0; i < 1000; i++) samples.push_back(i), labels.push_back(i >= 500);
  const TrainVal parts = stratified_split(samples, labels, 2, 0.3, 1, false);
  ASSERT_EQ(parts.val.size(), 300u);
  EXPECT_EQ(std::count_if(parts.val.begin(), parts.val.end(), [](uint32_t i) { return i >= 500; }), 150);
  // A validation set of one class is refused.
  const testing::TempFolder temp;
  const fs::path root = temp.path();
  for (const char* folder : {"train/cat", "train/dog", "val/dog"})
    for (int i = 0; i < 3; i++) {
      fs::create_directories(root / folder);
      std::ofstream(root / folder / (std::to_string(i) + ".jpg")) << folder << i;
    }
  EXPECT_NE(error_of([&] { open_data(root.string(), {}); }).find("dog"), std::string::npos);
}

TEST(Article, B13) {
  const Preprocess p;
  EXPECT_NE(p.scaling, Scaling::none);
  EXPECT_LE(std::fabs(255 * p.normalize().scale[0] + p.normalize().shift[0]), 1);  // white is at most 1
}

TEST(Article, B14) {
  PlanOptions o;
  o.batch = 4;
  o.input = {20, 20, 3};
  testing::Net net(to_toml(find_model("article")), "cpu", o);
  OptimizerState adam(*net.library, {}, net.parameters.segments(), net.parameters.elements());
  const auto pixels = testing::random_bytes(4 * 1200, 4);
  const std::vector<int32_t> labels = {0, 0, 0, 1};
  const float* w = net.parameters.values().as<float>();
  const std::vector<float> before(w, w + net.parameters.elements());
  net.executor.forward({pixels.data(), {4, 20, 20, 3}, DType::u8}, {labels.data(), {4}, DType::i32}, 0.25f,
                       {.update = adam.advance(1e-3f)});
  net.executor.backward();
  adam.update(net.executor.context(), net.parameters.values(), net.parameters.grads());
  for (const ParameterDecl& d : net.plan.parameters) {  // weights and biases alike
    int changed = 0;
    for (int64_t i = 0; i < d.shape.count(); i++) changed += w[d.offset + i] != before[size_t(d.offset + i)];
    EXPECT_GT(changed, d.shape.count() / 2) << d.name;
  }
}

TEST(Article, B15) {
  const auto library = make_library("reference", 0);
  PlanOptions o;
  o.input = {300, 300, 3};
  o.classes = 2;
  const std::string flat = "[[layer]]\ntype = \"flatten\"\n";
  const std::string last = "[[layer]]\ntype = \"dense\"\nunits = 2\nactivation = \"softmax\"\n";
  EXPECT_EQ(testing::compile_text(flat + last, *library, o).parameter_count(), 540002);
  EXPECT_EQ(compile(find_model("mlp"), *library, o).parameter_count(), 2700032);
  const DenseProblem instead{1, 300 * 300 * 3, 296 * 296 * 10, {}};
  EXPECT_EQ(instead.w_shape().count() + instead.b_shape().count(), 236564076160);
  EXPECT_NEAR(219041.0 / 219801, 0.9965, 5e-5);
}

TEST(Article, B16) {
  const Plan eager = article(128, false);
  EXPECT_NEAR(mib(bytes_of(eager, "input")), 131.8, 0.05);
  EXPECT_NEAR(mib(bytes_of(eager, "conv")), 427.8, 0.05);
  EXPECT_NEAR(mib(bytes_of(eager, "pool")), 107.0, 0.05);
  EXPECT_NEAR(mib(bytes_of(eager, "pool.argmax")), 26.7, 0.05);
  EXPECT_NEAR(mib(eager.parameter_count() * 4 * 4), 6.7, 0.05);  // weights, gradients, two moments
  // The fused plan trains in a small part of 2 GB: no full-size map and no im2col of the batch.
  const Plan fused = article(128);
  EXPECT_LT(fused.memory.arena_bytes + fused.memory.workspace_bytes, 350u << 20);
}

TEST(Article, B17) {
  const Plan plan = article(1, false);
  const auto& conv = dynamic_cast<const Conv2dStep&>(*plan.steps[1]).data();
  EXPECT_EQ(conv.flops() / 2, 65712000);
  const int64_t dense = DenseProblem{1, 219040, 2, {}}.flops();
  EXPECT_NEAR(double(conv.flops() + dense) / 1e6, 132.3, 0.05);
  EXPECT_NEAR(double(conv.flops() + dense) * 16099 / 1e12, 2.13, 0.005);
  const int64_t bytes =
      4 * (conv.x_shape().count() + conv.w_shape().count() + conv.b_shape().count() + conv.y_shape().count());
  EXPECT_NEAR(double(conv.flops()) / double(bytes), 28.7, 0.06);
}

TEST(Article, B18) {
  const Plan plan = article(128);
  EXPECT_EQ(plan.table[plan.image].dtype, DType::u8);
  EXPECT_EQ(bytes_of(plan, "image"), 34560000);  // a quarter of 138,240,000 as float
}

TEST(Article, C03) {
  EXPECT_NEAR(spread({InitKind::glorot_uniform}, {75, 250}), 0.135873, 1e-6);
  EXPECT_NEAR(spread({InitKind::glorot_uniform}, {219040, 2}), 0.005234, 1e-6);
  EXPECT_NEAR(spread({InitKind::he_normal}, {75, 250}), 0.163299, 1e-6);
}

// Filters that start equal see the same gradients and stay equal; the initialiser makes them different.
TEST(Article, C08) {
  PlanOptions o;
  o.batch = 4;
  o.input = {20, 20, 3};
  testing::Net net(to_toml(find_model("article")), "cpu", o);
  const ParameterDecl& conv = net.plan.parameters[0];
  float* w = net.parameters.value(conv).as<float>();
  EXPECT_NE(std::vector<float>(w, w + 75), std::vector<float>(w + 75, w + 150));
  std::memcpy(w + 75, w, 75 * sizeof(float));
  // The dense layer tells the two maps apart, so their columns must start equal too (flatten is H,W,C).
  float* dense = net.parameters.value(net.plan.parameters[2]).as<float>();
  for (int64_t i = 0; i < net.plan.parameters[2].shape.count(); i += 10) dense[i + 1] = dense[i];
  OptimizerState adam(*net.library, {}, net.parameters.segments(), net.parameters.elements());
  const auto pixels = testing::random_bytes(4 * 1200, 4);
  const std::vector<int32_t> labels = {0, 1, 0, 1};
  for (int step = 0; step < 5; step++) {
    net.executor.forward({pixels.data(), {4, 20, 20, 3}, DType::u8}, {labels.data(), {4}, DType::i32}, 0.25f,
                         {.update = adam.advance(1e-3f)});
    net.executor.backward();
    adam.update(net.executor.context(), net.parameters.values(), net.parameters.grads());
  }
  EXPECT_EQ(std::vector<float>(w, w + 75), std::vector<float>(w + 75, w + 150));
}

}  // namespace
}  // namespace gabor
