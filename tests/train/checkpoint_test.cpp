#include "train/checkpoint.h"

#include <gtest/gtest.h>

#include "model/nets.h"
#include "temp_folder.h"
#include "train/sets.h"

namespace gabor {
namespace {

using testing::error_of;

class CheckpointFile : public ::testing::Test {
 protected:
  CheckpointFile() : net_(testing::kBarsNet, "reference", options()) {
    info_.graph = net_.plan.graph;
    info_.classes = {"a", "b \"quoted\""};
    info_.preprocess = {12, 12, 1, Resize::area, Scaling::unit};
    info_.seed = 18446744073709551615ull;
    info_.data_fingerprint = 0xfedcba9876543210ull;
    info_.config = "epochs = 3\n";
    info_.progress = {2, 3, 45, 1.0 / 3, 77, 66, 1.5, 0.75, 0.1, 1};
    info_.progress.loss_scale = {4096, 17, ScaledStep{8192, false}};
    info_.progress.skipped = 5;
  }
  static PlanOptions options() {
    PlanOptions o;
    o.batch = 2;
    o.input = {12, 12, 1};
    o.classes = 2;
    return o;
  }
  testing::TempFolder folder_;
  std::string path_ = folder_.path() + "/checkpoint.safetensors";
  testing::Net net_;
  CheckpointInfo info_;
};

TEST_F(CheckpointFile, RoundTripOfEverything) {
  OptimizerState optimizer(*net_.library, {}, net_.parameters.segments(), net_.parameters.elements());
  float* m = optimizer.moment(0).as<float>();
  for (int64_t i = 0; i < net_.parameters.elements(); i++) m[i] = float(i);
  optimizer.set_updates(45);
  save_checkpoint(path_, info_, net_.parameters, &optimizer);

  const Checkpoint read(path_);
  EXPECT_EQ(read.info().classes, info_.classes);
  EXPECT_EQ(read.info().preprocess, info_.preprocess);
  EXPECT_EQ(read.info().seed, info_.seed);
  EXPECT_EQ(read.info().data_fingerprint, info_.data_fingerprint);
  EXPECT_EQ(read.info().config, info_.config);
  EXPECT_EQ(read.info().progress.loss_sum, info_.progress.loss_sum);
  EXPECT_EQ(read.info().progress.global_step, 45);
  EXPECT_EQ(read.info().progress.skipped, 5);
  ASSERT_TRUE(read.info().progress.loss_scale);
  const LossScaleState& scale = *read.info().progress.loss_scale;
  EXPECT_EQ(scale.scale, 4096);
  EXPECT_EQ(scale.good, 17);
  ASSERT_TRUE(scale.last);
  EXPECT_EQ(scale.last->scale, 8192);
  EXPECT_FALSE(scale.last->finite);
  EXPECT_EQ(to_toml(read.info().graph), to_toml(info_.graph));

  Parameters parameters(net_.library->device(), net_.plan.parameters, net_.plan.parameter_elements, false);
  read.load(parameters);
  for (const ParameterDecl& d : net_.plan.parameters)
    for (int64_t i = 0; i < d.shape.count(); i++)
      ASSERT_EQ(parameters.value(d).as<float>()[i], net_.parameters.value(d).as<float>()[i]);
  OptimizerState again(*net_.library, {}, parameters.segments(), parameters.elements());
  read.load(parameters, again);
  EXPECT_EQ(again.updates(), 45);
  const ParameterDecl& last = net_.plan.parameters.back();
  EXPECT_EQ(again.moment(0).as<float>()[last.offset], float(last.offset));
}

TEST_F(CheckpointFile, RunningStatisticsAreSavedBesideTheWeights) {
  const testing::Net net(testing::kNormalisedBarsNet, "reference", options());
  float* values = net.parameters.values().as<float>();
  for (int64_t i = 0; i < net.parameters.elements(); i++) values[i] = 1.0f / float(i + 3);
  OptimizerState optimizer(*net.library, {}, net.parameters.segments(), net.parameters.elements());
  info_.graph = net.plan.graph;
  save_checkpoint(path_, info_, net.parameters, &optimizer);

  const SafeTensors file = read_safetensors(path_);
  for (const char* name : {"norm.gamma", "norm.beta", "norm.running_mean", "norm.running_var"}) {
    const SafeTensor* t = file.find(name);
    ASSERT_TRUE(t) << name;
    EXPECT_EQ(t->shape, (Shape{4})) << name;
  }
  EXPECT_TRUE(file.find("optimizer.m.norm.gamma"));
  EXPECT_FALSE(file.find("optimizer.m.norm.running_mean"));

  Parameters loaded(net.library->device(), net.plan.parameters, net.plan.parameter_elements, false);
  const Checkpoint checkpoint(path_);
  checkpoint.load(loaded);
  checkpoint.load(loaded, optimizer);
  for (const ParameterDecl& d : net.plan.parameters)
    for (int64_t i = 0; i < d.shape.count(); i++)
      ASSERT_EQ(loaded.value(d).as<float>()[i], net.parameters.value(d).as<float>()[i]) << d.name;
}

TEST_F(CheckpointFile, MisfitsAreNamed) {
  save_checkpoint(path_, info_, net_.parameters, nullptr);
  PlanOptions larger = options();
  larger.input = {14, 14, 1};
  testing::Net other(testing::kBarsNet, "reference", larger);
  EXPECT_NE(error_of([&] {
              Checkpoint(path_).load(other.parameters);
            }).find("'dense_1.weight' is 2x100 but the model needs 2x144"),
            std::string::npos);
  OptimizerState optimizer(*net_.library, {}, net_.parameters.segments(), net_.parameters.elements());
  EXPECT_NE(error_of([&] { Checkpoint(path_).load(net_.parameters, optimizer); }).find("no optimizer state"),
            std::string::npos);
  EXPECT_NE(error_of([&] { Checkpoint("/no/such.safetensors"); }).find("no such file"), std::string::npos);

  SafeTensors foreign;
  write_atomically(path_, encode_safetensors(foreign));
  EXPECT_NE(error_of([&] { Checkpoint c(path_); }).find("not a checkpoint of gabor"), std::string::npos);
  foreign.metadata["gabor.format"] = "99";
  write_atomically(path_, encode_safetensors(foreign));
  EXPECT_NE(error_of([&] { Checkpoint c(path_); }).find("has format 99"), std::string::npos);
}

TEST_F(CheckpointFile, ALossScaleOutOfBoundsIsRefused) {
  for (const float bad : {0.0f, 3.0f, 0.5f, -2.0f, 33554432.0f}) {
    info_.progress.loss_scale = {bad, 0, {}};
    save_checkpoint(path_, info_, net_.parameters, nullptr);
    EXPECT_NE(error_of([&] {
                Checkpoint c(path_);
              }).find(fmt::format("its records are damaged: a loss scale of {}", bad)),
              std::string::npos)
        << bad;
  }
}

TEST_F(CheckpointFile, WrongOptimizerIsRefused) {
  OptimizerProblem momentum;
  momentum.kind = OptimizerKind::momentum;
  OptimizerState optimizer(*net_.library, momentum, net_.parameters.segments(), net_.parameters.elements());
  save_checkpoint(path_, info_, net_.parameters, &optimizer);
  OptimizerState adam(*net_.library, {}, net_.parameters.segments(), net_.parameters.elements());
  EXPECT_NE(error_of([&] {
              Checkpoint(path_).load(net_.parameters, adam);
            }).find("was trained with momentum, not adam"),
            std::string::npos);
}

}  // namespace
}  // namespace gabor
