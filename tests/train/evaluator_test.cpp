#include "train/evaluator.h"

#include <gtest/gtest.h>

#include <cmath>

#include "model/nets.h"
#include "train/sets.h"

namespace gabor {
namespace {

// A net without hidden layers whose weights are set by hand: class 1 when the sum of the picture is large.
TEST(Evaluator, CountsByHand) {
  PlanOptions o;
  o.batch = 3;
  o.input = {1, 1, 1};
  o.classes = 2;
  o.training = false;
  testing::Net net(
      "[[layer]]\ntype = \"flatten\"\n[[layer]]\ntype = \"dense\"\nunits = 2\nactivation = \"softmax\"\n",
      "reference", o);
  float* w = net.parameters.values().as<float>();
  std::fill(w, w + net.parameters.elements(), 0.0f);
  w[net.plan.parameters[0].offset + 1] = 1;  // logit 1 = x - 100
  w[net.plan.parameters[1].offset + 1] = -100;
  const PictureSet set{1, 1, 1, {0, 90, 110, 200, 99, 255, 30}, {0, 1, 0, 1, 0, 1, 1}, {"dark", "bright"}};
  const DataSplits data = split_in_memory(set, 0, 1);
  LoaderOptions lo;
  lo.batch = 3, lo.height = lo.width = 1, lo.channels = 1, lo.shuffle = false, lo.threads = 2;
  Loader loader(data.dataset, data.train, lo);
  const EvalResult r = evaluate(net.executor, loader, 2);
  EXPECT_EQ(r.samples, 7);
  EXPECT_EQ(r.correct, 4);  // wrong: 90 and 30 (bright, called dark) and 110 (dark, called bright)
  EXPECT_EQ(r.confusion, (std::vector<int64_t>{2, 1, 2, 2}));
  EXPECT_DOUBLE_EQ(r.precision(1), 2.0 / 3);
  EXPECT_DOUBLE_EQ(r.recall(1), 0.5);
  ASSERT_EQ(r.worst.size(), 3u);
  EXPECT_EQ(r.worst[0].sample, 6u);  // 30: the most confident mistake
  double loss = 0;
  for (size_t i = 0; i < 7; i++) {
    const double z = set.pixels[i] - 100.0;
    loss += set.labels[i] ? std::log1p(std::exp(-z)) : (z > 50 ? z : std::log1p(std::exp(z)));
  }
  EXPECT_NEAR(r.loss, loss / 7, 1e-4);
}

TEST(Evaluator, NanIsNeverRight) {
  PlanOptions o;
  o.batch = 2;
  o.input = {1, 1, 1};
  o.classes = 2;
  o.training = false;
  testing::Net net("[[layer]]\ntype = \"flatten\"\n[[layer]]\ntype = \"dense\"\nunits = 2\n", "reference", o);
  float* w = net.parameters.values().as<float>();
  std::fill(w, w + net.parameters.elements(), std::nanf(""));
  const DataSplits data = split_in_memory({1, 1, 1, {1, 2}, {0, 1}, {"a", "b"}}, 0, 1);
  LoaderOptions lo;
  lo.batch = 2, lo.height = lo.width = 1, lo.channels = 1, lo.shuffle = false;
  Loader loader(data.dataset, data.train, lo);
  const EvalResult r = evaluate(net.executor, loader, 2);
  EXPECT_EQ(r.correct, 0);
  EXPECT_TRUE(std::isnan(r.loss));
}

}  // namespace
}  // namespace gabor
