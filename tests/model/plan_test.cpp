#include <gtest/gtest.h>

#include "gabor/model_builder.h"
#include "model/nets.h"
#include "model/summary.h"

namespace gabor {
namespace {

using testing::error_of;

PlanOptions small(bool training = true) {
  PlanOptions o;
  o.batch = 4;
  o.input = {8, 8, 3};
  o.classes = 2;
  o.training = training;
  return o;
}

std::string refused(const std::string& toml, PlanOptions o) {
  const auto library = make_library("reference", 0);
  return error_of([&] { testing::compile_text(toml, *library, o); });
}

TEST(Plan, RefusesWhatCannotLearn) {
  const std::string flat = "[[layer]]\ntype = \"flatten\"\n";
  EXPECT_NE(refused(flat + "[[layer]]\ntype = \"dense\"\nunits = 1\nactivation = \"softmax\"\n", small())
                .find("a softmax over 1 unit is always 1"),
            std::string::npos);
  EXPECT_NE(refused(flat + "[[layer]]\ntype = \"dense\"\nunits = 3\n", small())
                .find("the net ends in 3 outputs but there are 2 classes"),
            std::string::npos);
  PlanOptions one = small();
  one.classes = 1;
  EXPECT_NE(
      refused(flat + "[[layer]]\ntype = \"dense\"\nunits = \"classes\"\n", one).find("nothing can be learnt"),
      std::string::npos);
  EXPECT_NE(refused("[[layer]]\ntype = \"pool2d\"\nkind = \"max\"\n", small()).find("the net ends in a map"),
            std::string::npos);
  EXPECT_NE(refused(flat + "[[layer]]\ntype = \"dense\"\nunits = 2\nfrom = \"flaten\"\n", small())
                .find("no layer of that name"),
            std::string::npos);
}

TEST(Plan, RefusesALayerThatNobodyReads) {
  const std::string toml =
      "[[layer]]\ntype = \"flatten\"\nname = \"f\"\n[[layer]]\ntype = \"dense\"\nname = \"lost\"\nunits = "
      "4\n[[layer]]\ntype = \"dense\"\nfrom = \"f\"\nunits = 2\n";
  EXPECT_NE(refused(toml, small()).find("layer 'lost': nobody reads its output"), std::string::npos)
      << refused(toml, small());
}

TEST(Plan, SummaryNamesUnreadRows) {
  const auto library = make_library("reference", 0);
  PlanOptions o = small();
  o.input = {6, 6, 1};
  const Plan plan = testing::compile_text(
      "[[layer]]\ntype = \"conv2d\"\nfilters = 1\nkernel = 3\nstride = 2\n[[layer]]\ntype = "
      "\"flatten\"\n[[layer]]\ntype = \"dense\"\nunits = 2\n",
      *library, o);
  EXPECT_EQ(plan.layers[1].remark, "1 row, 1 column unread");  // ARTICLE A14
  EXPECT_NE(summary_text(plan).find("1 row, 1 column unread"), std::string::npos);
}

TEST(Plan, BackendOfALayerIsPreferred) {
  const auto library = make_library("cpu", 0);
  PlanOptions options = small();
  options.fuse = false;
  const Plan plan = testing::compile_text(
      "[[layer]]\ntype = \"flatten\"\n[[layer]]\ntype = \"dense\"\nunits = 2\nbackend = \"reference\"\n",
      *library, options);
  bool seen = false;
  for (const ChoiceRecord& c : plan.choices)
    if (c.op == "dense") {
      seen = true;
      EXPECT_EQ(c.backend, "reference");
    }
  EXPECT_TRUE(seen);
}

TEST(Plan, WhatABackendRefusesFallsToTheNextAndIsRecorded) {
  const auto library = make_library("cpu", 0);
  const Plan plan = testing::compile_text(
      "[[layer]]\ntype = \"conv2d\"\nname = \"c\"\nfilters = 2\nkernel = 3\nactivation = "
      "\"leaky_relu\"\nalpha = 0\n"
      "[[layer]]\ntype = \"flatten\"\n[[layer]]\ntype = \"dense\"\nunits = 2\n",
      *library, small());
  bool seen = false;
  for (const ChoiceRecord& c : plan.choices) {
    if (c.where != "c activation") continue;
    seen = true;
    EXPECT_EQ(c.backend, "reference");
    ASSERT_EQ(c.passed_over.size(), 1u);
    EXPECT_NE(c.passed_over[0].find("cpu: "), std::string::npos);
  }
  EXPECT_TRUE(seen);
}

TEST(Plan, BuilderMakesTheZooNet) {
  ModelBuilder b("lenet5");
  b.input(28, 28, 1)
      .conv2d({.filters = 6, .kernel = 5, .padding = "same", .activation = "relu"})
      .pool2d()
      .conv2d({.filters = 16, .kernel = 5, .activation = "relu"})
      .pool2d()
      .flatten()
      .dense({.units = 120, .activation = "relu"})
      .dense({.units = 84, .activation = "relu"})
      .dense({.activation = "softmax"});
  const auto library = make_library("reference", 0);
  PlanOptions o;
  o.classes = 10;
  const Plan built = compile(parse_model(b.toml(), "builder"), *library, o);
  const Plan zoo = compile(find_model("lenet5"), *library, o);
  ASSERT_EQ(built.steps.size(), zoo.steps.size());
  for (size_t i = 0; i < zoo.steps.size(); i++) EXPECT_EQ(built.steps[i]->problem(), zoo.steps[i]->problem());
  EXPECT_EQ(built.parameter_count(), 61706);
}

TEST(Plan, SummaryCountsWhatIsNotTrained) {
  ModelBuilder b("normalised");
  b.conv2d({.filters = 4, .bias = false}).batchnorm({.momentum = 0.99, .name = "bn"}).activation("relu");
  b.global_pool().dense({.units = 2});
  const auto library = make_library("cpu", 0);
  const Plan plan = compile(parse_model(b.toml(), "builder"), *library, small());
  EXPECT_EQ(plan.parameter_count(), 4 * 27 + 4 * 4 + 10);
  EXPECT_EQ(plan.trainable_count(), 4 * 27 + 2 * 4 + 10);
  EXPECT_EQ(plan.layers[2].parameters, 16);
  EXPECT_EQ(plan.layers[2].remark, "momentum 0.99 is the share of a batch: Keras' 0.99 is 0.01 here");
  const std::string text = summary_text(plan);
  EXPECT_NE(text.find("Trainable parameters: 126\nNon-trainable parameters: 8\n"), std::string::npos) << text;
  // Written to a file and read back it is the same net.
  EXPECT_EQ(to_toml(parse_model(to_toml(plan.graph), "again")), to_toml(plan.graph));
}

// conv2d + relu is one step still where no normalisation stands between them.
TEST(Plan, BatchNormLeavesOtherFusionsAlone) {
  const auto library = make_library("cpu", 0);
  const Plan plan = testing::compile_text(
      "[[layer]]\ntype = \"conv2d\"\nfilters = 4\nkernel = 3\nactivation = \"relu\"\n"
      "[[layer]]\ntype = \"batchnorm\"\n"
      "[[layer]]\ntype = \"conv2d\"\nfilters = 4\nkernel = 3\n[[layer]]\ntype = \"batchnorm\"\n"
      "[[layer]]\ntype = \"activation\"\nkind = \"relu\"\n"
      "[[layer]]\ntype = \"flatten\"\n[[layer]]\ntype = \"dense\"\nunits = 2\n",
      *library, small());
  std::vector<std::string> ops;
  for (const auto& s : plan.steps) ops.emplace_back(s->op());
  EXPECT_EQ(ops, (std::vector<std::string>{"normalize", "conv2d", "batchnorm", "conv2d", "batchnorm", "dense",
                                           "softmax_cross_entropy"}));
}

TEST(Plan, LossAtTheStartIsLogOfClasses) {
  for (const std::string& name : zoo_names()) {
    const auto library = make_library("cpu", 0);
    PlanOptions o;
    o.batch = 8;
    o.classes = 5;
    o.input = name == "lenet5" ? Shape{28, 28, 1} : Shape{32, 32, 3};
    o.normalize.scale = {1 / 255.f, 1 / 255.f, 1 / 255.f, 1};
    const Plan plan = compile(find_model(name), *library, o);
    Parameters parameters(library->device(), plan.parameters, plan.parameter_elements, true);
    parameters.initialize(3);
    Executor executor(plan, library->device(), parameters, 1);
    const auto pixels = testing::random_bytes(o.batch * o.input.count(), 1);
    const std::vector<int32_t> labels = {0, 1, 2, 3, 4, 0, 1, 2};
    executor.forward({pixels.data(), o.input.prepend(8), DType::u8}, {labels.data(), {8}, DType::i32},
                     1.0f / 8, {});
    EXPECT_NEAR(executor.loss_sum() / 8, std::log(5.0), 0.35) << name;
  }
}

}  // namespace
}  // namespace gabor
