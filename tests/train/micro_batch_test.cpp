// Batches that run in parts: the same numbers, less memory; the same bits where the parts are whole chunks.
#include <gtest/gtest.h>

#include <cmath>

#include "backends/all.h"
#include "model/nets.h"
#include "temp_folder.h"
#include "train/sets.h"
#include "train/trainer.h"

namespace gabor {
namespace {

// Without dropout, which draws anew for each part.
const char* kNet =
    "name = \"bars\"\n[[layer]]\ntype = \"conv2d\"\nfilters = 4\nkernel = 3\nactivation = \"relu\"\n"
    "[[layer]]\ntype = \"pool2d\"\nkind = \"max\"\n"
    "[[layer]]\ntype = \"conv2d\"\nfilters = 6\nkernel = 3\nactivation = \"tanh\"\n"
    "[[layer]]\ntype = \"flatten\"\n[[layer]]\ntype = \"dense\"\nunits = \"classes\"\nactivation = "
    "\"softmax\"\n";

TrainConfig config(int micro_batch, const std::string& out = "") {
  TrainConfig c;
  c.epochs = 2, c.batch = 16, c.micro_batch = micro_batch;
  c.preprocess = {12, 12, 1, Resize::antialias, Scaling::centered};
  c.lr = 5e-3f;
  c.loader_threads = 2;
  c.out = out;
  return c;
}

class StopAt final : public Observer {
 public:
  explicit StopAt(int64_t step) : step_(step) {}
  void on_step(const StepRecord& r) override {
    if (!r.validating && r.global_step == step_) stop = true;
  }
  std::atomic<bool> stop{false};

 private:
  int64_t step_;
};

struct Outcome {
  std::vector<float> weights;
  TrainResult result;
};

// 42 training pictures in batches of 16: the last batch has 10.
Outcome train(const TrainConfig& c, const char* net = kNet, int64_t stop_at = -1,
              const Checkpoint* resume = nullptr, const char* backend = "cpu") {
  const auto library = make_library(backend, 0);
  StopAt observer(stop_at);
  Trainer t(parse_model(net, "bars"), split_in_memory(testing::bars(60), 0.3, 1), c, *library, observer,
            resume);
  Outcome o;
  o.result = t.run(observer.stop);
  const TensorView v = t.parameters().values();
  o.weights.assign(v.as<float>(), v.as<float>() + v.count());
  return o;
}

// The gradient of a batch, run `at_once` samples at a time.
std::vector<float> gradient(const char* backend, int64_t at_once) {
  PlanOptions o;
  o.batch = at_once;
  o.input = {12, 12, 1};
  o.classes = 2;
  o.normalize.scale = {1 / 127.5f, 0, 0, 0};
  o.normalize.shift = {-1, 0, 0, 0};
  testing::Net net(kNet, backend, o, 3);
  const PictureSet set = testing::bars(16);
  std::vector<int32_t> labels(set.labels.begin(), set.labels.end());
  labels[5] = -1;  // a bad file does not count
  for (int64_t first = 0; first < 16; first += at_once) {
    const int64_t n = std::min<int64_t>(at_once, 16 - first);
    net.executor.forward({set.pixels.data() + first * 144, o.input.prepend(n), DType::u8},
                         {labels.data() + first, {n}, DType::i32}, 1.0f / 15,
                         {.micro_batch = uint32_t(first / at_once)});
    net.executor.backward();
  }
  const float* g = net.parameters.grads().as<float>();
  return {g, g + net.parameters.elements()};
}

// Parts that are no whole chunks add up the same numbers in another order: equal but for rounding.
TEST(MicroBatch, GradientsAddUpToThatOfTheBatch) {
  for (const char* backend : {"reference", "cpu"}) {
    const std::vector<float> whole = gradient(backend, 16);
    double norm = 0;
    for (const float g : whole) norm += double(g) * double(g);
    ASSERT_GT(norm, 1e-4);
    for (const int64_t at_once : {8, 5, 1}) {
      const std::vector<float> parts = gradient(backend, at_once);
      double error = 0;
      for (size_t i = 0; i < whole.size(); i++) error += std::pow(double(parts[i]) - double(whole[i]), 2);
      EXPECT_LT(std::sqrt(error / norm), 1e-6) << backend << " by " << at_once;
    }
  }
}

TEST(MicroBatch, TrainsAsTheWholeBatchDoes) {
  const Outcome whole = train(config(0));
  for (const int micro : {8, 5, 1}) {
    const Outcome parts = train(config(micro));
    ASSERT_EQ(parts.weights.size(), whole.weights.size());
    EXPECT_EQ(parts.result.progress.global_step, whole.result.progress.global_step);
    for (size_t e = 0; e < 2; e++) {
      EXPECT_NEAR(parts.result.epochs[e].train_loss, whole.result.epochs[e].train_loss, 1e-4);
      EXPECT_NEAR(parts.result.epochs[e].val_loss, whole.result.epochs[e].val_loss, 1e-4);
    }
    for (size_t i = 0; i < whole.weights.size(); i++)
      ASSERT_NEAR(parts.weights[i], whole.weights[i], 2e-3) << micro;  // Adam divides by small gradients
    EXPECT_EQ(train(config(micro)).weights, parts.weights) << "not repeatable";
  }
  EXPECT_EQ(train(config(16)).weights, whole.weights);
  EXPECT_EQ(train(config(99)).weights, whole.weights);
}

// Mixing is of the whole batch, whatever its parts, and a part has two labels to a row as the batch has.
TEST(MicroBatch, MixedPicturesTrainAsTheWholeBatchDoes) {
  const auto mixing = [](int micro_batch) {
    TrainConfig c = config(micro_batch);
    c.augment.mixup = 1, c.augment.cutmix = 0.5;
    return c;
  };
  const Outcome whole = train(mixing(0)), parts = train(mixing(5));
  EXPECT_NE(whole.weights, train(config(0)).weights);
  for (size_t e = 0; e < 2; e++)
    EXPECT_NEAR(parts.result.epochs[e].train_loss, whole.result.epochs[e].train_loss, 1e-4);
  for (size_t i = 0; i < whole.weights.size(); i++) ASSERT_NEAR(parts.weights[i], whole.weights[i], 2e-3);
}

// Weights after a batch of 128 and one of the 44 that remain, with the flips, masks and moments of a real run.
std::vector<float> weights_of(const Graph& graph, const Preprocess& preprocess, const char* backend,
                              int micro) {
  TrainConfig c = config(micro);
  c.epochs = 1, c.batch = 128, c.preprocess = preprocess, c.augment.flip = true;
  const auto library = make_library(backend, 0);
  Observer observer;
  DataSplits data = split_in_memory(testing::bars(172), 0, 1);
  Trainer t(graph, std::move(data), c, *library, observer);
  const std::atomic<bool> stop{false};
  t.run(stop);
  const TensorView v = t.parameters().values();
  return {v.as<float>(), v.as<float>() + v.count()};
}

TEST(MicroBatch, OfWholeChunksLeavesTheSameBits) {
  const auto sized = [](int side, int channels) {
    return Preprocess{side, side, channels, Resize::antialias, Scaling::centered};
  };
  const std::pair<const char*, Preprocess> nets[] = {
      {"article", sized(20, 3)}, {"lenet5", sized(28, 1)}, {"vgg-small", sized(8, 3)}, {"mlp", sized(12, 1)}};
  for (const char* backend : {"reference", "cpu"})
    for (const auto& [net, preprocess] : nets) {
      SCOPED_TRACE(std::string(net) + " on " + backend);
      const std::vector<float> whole = weights_of(find_model(net), preprocess, backend, 0);
      for (const int micro : {32, 64})
        EXPECT_EQ(weights_of(find_model(net), preprocess, backend, micro), whole) << micro;
      EXPECT_NE(weights_of(find_model(net), preprocess, backend, 16), whole) << "no sum was rounded: no test";
    }
}

TEST(MicroBatch, ResumesBitForBit) {
  const testing::TempFolder folder;
  for (const char* net : {kNet, testing::kBarsNet}) {
    const Outcome whole = train(config(5), net);
    for (const int64_t at : {1, 3, 4}) {
      const TrainConfig c = config(5, folder.path());
      ASSERT_TRUE(train(c, net, at).result.stopped);
      const Checkpoint saved(c.out + "/last.safetensors");
      EXPECT_EQ(train(c, net, -1, &saved).weights, whole.weights) << at;
    }
  }
}

// Each part draws its own mask: were it the first's again, parts of equal pictures would lose equal places.
TEST(MicroBatch, DropoutDrawsAnewForEachPart) {
  PlanOptions o;
  o.batch = 1;
  o.input = {8, 8, 1};
  o.classes = 2;
  o.input_dtype = DType::f32;
  testing::Net net(
      "[[layer]]\ntype = \"dropout\"\nname = \"drop\"\nrate = 0.5\n[[layer]]\ntype = \"flatten\"\n"
      "[[layer]]\ntype = \"dense\"\nunits = 2\n",
      "cpu", o);
  const std::vector<float> ones(64, 1.0f);
  const int32_t label = 0;
  const auto dropped = [&](uint32_t part) {
    net.executor.forward({ones.data(), {1, 8, 8, 1}, DType::f32}, {&label, {1}, DType::i32}, 1,
                         {.step = 7, .micro_batch = part});
    const float* y = net.executor.value("drop").as<float>();
    return std::vector<float>(y, y + 64);
  };
  EXPECT_EQ(dropped(0), dropped(0));
  EXPECT_NE(dropped(0), dropped(1));
  EXPECT_NE(dropped(1), dropped(2));
}

TEST(MicroBatch, BatchNormIsNotDivided) {
  EXPECT_EQ(
      testing::error_of([] { train(config(8), testing::kNormalisedBarsNet); }),
      "--micro-batch: 8 of a batch of 16: batch normalisation takes its statistics over the whole batch, "
      "so it cannot be run in parts; leave it out, or make --batch smaller");
  EXPECT_EQ(train(config(16), testing::kNormalisedBarsNet).weights,
            train(config(0), testing::kNormalisedBarsNet).weights);
}

}  // namespace
}  // namespace gabor
