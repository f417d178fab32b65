#include "train/self_test.h"

#include <gtest/gtest.h>

#include <cstdio>

#include "data/sample_pictures.h"
#include "gabor/classifier.h"
#include "model/nets.h"
#include "temp_folder.h"
#include "train/checkpoint.h"
#include "train/sets.h"

namespace gabor {
namespace {

// A trained net's parts: here the initial weights of a seed.
struct Trained {
  Trained(const Graph& graph, const Preprocess& p, const std::string& backend, int64_t batch = 2)
      : preprocess(p),
        library(make_library(backend, 0)),
        plan(compile(graph, *library, options(p, batch))),
        parameters(library->device(), plan.parameters, plan.parameter_elements, false),
        executor(plan, library->device(), parameters, 1) {
    parameters.initialize(3);
  }
  static PlanOptions options(const Preprocess& p, int64_t batch) {
    PlanOptions o;
    o.batch = batch, o.input = {p.height, p.width, p.channels}, o.classes = 2, o.training = false;
    o.normalize = p.normalize();
    return o;
  }
  SelfTest make() {
    return make_self_test(sample_pictures(preprocess.height, preprocess.width), preprocess, executor).value();
  }
  SelfTestResult check(const SelfTest& test) {
    return run_self_test(test, preprocess, {"cat", "dog"}, parameters, executor);
  }
  Preprocess preprocess;
  std::shared_ptr<Library> library;
  Plan plan;
  Parameters parameters;
  Executor executor;
};

const Preprocess kPhotos{40, 48, 3, Resize::antialias, Scaling::centered};

void expect_part(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << "no '" << part << "' in '" << text << "'";
}

TEST(SelfTest, IsPassedByItsOwnNetToTheBit) {
  Trained net(find_model("article"), kPhotos, "cpu");
  const SelfTest test = net.make();
  ASSERT_EQ(test.pictures.size(), 4u);
  const SelfTestResult r = net.check(test);
  EXPECT_EQ(r.fault + r.note, "");
  EXPECT_EQ(r.worst, 0);
}

// Rounding of other kernels and batch sizes stays far below the budget, whatever the net.
TEST(SelfTest, IsPassedByOtherBackends) {
  for (const auto& [model, p] : {std::pair{"article", Preprocess{120, 100, 3}},
                                 {"lenet5", Preprocess{28, 28, 1}},
                                 {"mlp", Preprocess{28, 28, 1}},
                                 {"vgg-bn", Preprocess{32, 32, 3}},
                                 {"vgg-small", Preprocess{48, 48, 3}}})
    for (const char* other : {"reference", "cpu"}) {
      const SelfTest test = Trained(find_model(model), p, "cpu").make();
      const SelfTestResult r = Trained(find_model(model), p, other, 64).check(test);
      std::printf("%s on %s: %.3f of the budget\n", model, other, r.worst);
      EXPECT_EQ(r.fault + r.note, "") << model;
      EXPECT_LT(r.worst, 0.1) << model << " on " << other;
    }
}

TEST(SelfTest, FindsOtherLogits) {
  Trained net(find_model("article"), kPhotos, "cpu");
  SelfTest test = net.make();
  double largest = 0;
  for (const SelfTest::Picture& p : test.pictures)
    for (float v : p.logits) largest = std::max(largest, std::fabs(double(v)));
  const double budget = logit_budget(net.parameters.decls(), largest);
  EXPECT_LT(budget, 0.001 * std::max(1.0, largest));
  test.pictures[2].logits[1] += float(0.5 * budget);
  EXPECT_EQ(net.check(test).fault, "");
  test.pictures[2].logits[1] += float(1.0 * budget);
  expect_part(net.check(test).fault, "the logit of 'dog' for its test picture 3 is ");
  expect_part(net.check(test).fault,
              "the pixels are the same, so the weights, the backend or that record are wrong");
}

TEST(SelfTest, FindsOtherWeightsAndWeightsThatAreNoNumbers) {
  Trained net(find_model("article"), kPhotos, "cpu");
  const SelfTest test = net.make();
  for (const float factor : {1.05f, NAN}) {
    Trained other(find_model("article"), kPhotos, "cpu");
    float* w = other.parameters.value(other.plan.parameters.at(0)).as<float>();
    for (int64_t i = 0; i < other.plan.parameters.at(0).shape.count(); i++) w[i] *= factor;
    expect_part(other.check(test).fault, "the pixels are the same");
  }
}

TEST(SelfTest, FindsOtherScaling) {
  const SelfTest test = Trained(find_model("article"), kPhotos, "cpu").make();
  Preprocess unit = kPhotos;
  unit.scaling = Scaling::unit;
  expect_part(Trained(find_model("article"), unit, "cpu").check(test).fault, "the pixels are the same");
}

TEST(SelfTest, FindsAnotherFilterAndOrientation) {
  Trained net(find_model("article"), kPhotos, "cpu");
  const SelfTest test = net.make();
  for (const Resize filter : {Resize::linear, Resize::area}) {
    Preprocess other = kPhotos;
    other.resize = filter;
    const SelfTestResult r = Trained(find_model("article"), other, "cpu").check(test);
    expect_part(r.fault, "test picture 1 is ");
    expect_part(r.fault, "pictures are decoded or resized otherwise here (OpenCV ");
  }
  SelfTest lying = test;
  std::vector<uint8_t>& file = lying.pictures[0].file;
  file.erase(file.begin() + 2, file.begin() + 38);  // the EXIF block
  expect_part(net.check(lying).fault, "pictures are decoded or resized otherwise here");
  SelfTest cut = test;
  cut.pictures[3].file.resize(100);
  expect_part(net.check(cut).fault, "its test picture 4 cannot be decoded here (OpenCV ");
}

// As another version of libjpeg might round: told, and no reason to refuse.
TEST(SelfTest, TellsOfOtherBitsThatMakeNoDifference) {
  Trained net(find_model("article"), kPhotos, "cpu");
  SelfTest test = net.make();
  test.pictures[1].pixels ^= 1;
  const SelfTestResult r = net.check(test);
  EXPECT_EQ(r.fault, "");
  expect_part(r.note, "not decoded or resized to the same bits as when it was saved (OpenCV ");
}

TEST(SelfTest, MakesNoneOfANetThatGivesNoNumbers) {
  Trained net(find_model("article"), kPhotos, "cpu");
  net.parameters.value(net.plan.parameters.at(0)).as<float>()[0] = NAN;
  EXPECT_FALSE(make_self_test(sample_pictures(40, 48), kPhotos, net.executor));
}

class SelfTestInAFile : public ::testing::Test {
 protected:
  SelfTestInAFile() : net_(find_model("article"), kPhotos, "cpu") {
    CheckpointInfo info;
    info.graph = net_.plan.graph;
    info.classes = {"cat", "dog"};
    info.preprocess = kPhotos;
    info.self_test = net_.make();
    save_checkpoint(path_, info, net_.parameters, nullptr);
  }
  // Checks the file as it is now.
  SelfTestResult check() {
    const Checkpoint read(path_);
    return net_.check(read.info().self_test.value());
  }
  // Puts other text into the metadata, as an editor would.
  void edit(const std::string& key, const std::string& from, const std::string& to) {
    SafeTensors file = read_safetensors(path_);
    std::string& text = file.metadata.at(key);
    ASSERT_NE(text.find(from), std::string::npos) << text;
    text.replace(text.find(from), from.size(), to);
    write_atomically(path_, encode_safetensors(file));
  }
  testing::TempFolder folder_;
  std::string path_ = folder_.path() + "/checkpoint.safetensors";
  Trained net_;
};

TEST_F(SelfTestInAFile, IsWrittenByProgramsToo) {
  FitOptions options;
  options.epochs = 1, options.batch = 4;
  const Classifier net = Classifier::fit("mlp", testing::bars(20), options);
  net.save(path_);
  const CheckpointInfo info = Checkpoint(path_).info();
  Trained same(info.graph, info.preprocess, "reference");
  Checkpoint(path_).load(same.parameters);
  EXPECT_EQ(same.check(info.self_test.value()).fault, "");
}

TEST_F(SelfTestInAFile, IsRunWhenAProgramLoadsIt) {
  FitOptions options;
  options.epochs = 1, options.batch = 4;
  const PictureSet pictures = testing::bars(20);
  const Classifier net = Classifier::fit("mlp", pictures, options);
  net.save(path_);
  const std::vector<float> before = net.predict(pictures.pixels.data(), 5);
  EXPECT_EQ(Classifier::load(path_).predict(pictures.pixels.data(), 5), before);
  edit("gabor.preprocess", "centered", "unit");
  try {
    Classifier::load(path_);
    FAIL() << "loaded";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::checkpoint);
    expect_part(e.what(), "its model, classes or preprocessing are not those that were saved");
  }
  EXPECT_NE(Classifier::load(path_, "auto", false).predict(pictures.pixels.data(), 5), before);
}

TEST_F(SelfTestInAFile, ComesBack) {
  const SelfTestResult r = check();
  EXPECT_EQ(r.fault + r.note, "");
  EXPECT_EQ(r.worst, 0);
}

TEST_F(SelfTestInAFile, FindsEditedRecords) {
  for (const auto& [key, from, to] : {std::tuple{"gabor.classes", R"(["cat","dog"])", R"(["dog","cat"])"},
                                      {"gabor.preprocess", "antialias", "area"},
                                      {"gabor.preprocess", "centered", "unit"},
                                      {"gabor.loss", "softmax_cross_entropy", "mse"},
                                      {"gabor.model", "max", "average"}}) {
    edit(key, from, to);
    expect_part(check().fault, "its model, classes or preprocessing are not those that were saved");
    edit(key, to, from);
    EXPECT_EQ(check().fault, "");
  }
}

TEST_F(SelfTestInAFile, SavingAgainConfirmsNoEdits) {
  save_checkpoint(path_, Checkpoint(path_).info(), net_.parameters, nullptr);
  EXPECT_EQ(check().fault, "");
  edit("gabor.classes", "cat", "cow");
  save_checkpoint(path_, Checkpoint(path_).info(), net_.parameters, nullptr);
  expect_part(check().fault, "its model, classes or preprocessing are not those that were saved");
}

TEST_F(SelfTestInAFile, DamageIsNamed) {
  for (const auto& [from, to] : {std::pair{"\"logits\":[", "\"logits\":[1,"},
                                 {"\"logits\":[", "\"logits\":[null,"},
                                 {"\"file\":\"", "\"file\":\"!"},
                                 {"\"pixels\":\"", "\"pixels\":\"x"},
                                 {"{", "["}}) {
    edit("gabor.self_test", from, to);
    expect_part(testing::error_of([&] { Checkpoint c(path_); }), "its self-test is damaged: ");
    edit("gabor.self_test", to, from);
  }
}

}  // namespace
}  // namespace gabor
