#include "train/training_memory.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <cstdio>
#include <fstream>
#include <sstream>

#include "model/nets.h"
#include "model/step_cost.h"
#include "optim/optimizer_state.h"
#include "train/counting_library.h"
#include "train/sets.h"
#include "train/trainer.h"

namespace gabor {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;  // shadow memory is resident too
#else
constexpr bool kSanitized = false;
#endif

// The goal: 0.35 GB for the article's batch of 128.
TEST(TrainingMemory, ArticleStaysBelowItsGoal) {
  const auto library = make_library("cpu", 0);
  const TrainingMemory m =
      training_memory(find_model("article"), *library, testing::article_options(128), 128, 2);
  EXPECT_LE(m.step(), 0.35e9);
  EXPECT_GE(m.step(), 128 * 148 * 148 * 10 * 2 * sizeof(float));  // the pooled map and its gradient
  EXPECT_GE(
      double(
          compile_eager(find_model("article"), *library, testing::article_options(128)).memory.arena_bytes),
      6 * m.step());
  EXPECT_GE(m.parameters, 438842 * 4 * sizeof(float));
  EXPECT_LE(m.parameters, 438842 * 4 * sizeof(float) + 1024);
  EXPECT_EQ(m.images, 128 * (300 * 300 * 3 + 4));
  EXPECT_EQ(m.loaders, 7 * m.images);
}

// A line of /proc/self/status in bytes.
double status_bytes(const std::string& key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(key)) return std::stod(line.substr(key.size() + 1)) * 1024;
  return 0;
}

// Parameters, moments, pictures and executor of one plan; some steps.
void train_article(const Library& library, int64_t batch) {
  const Plan plan = compile(find_model("article"), library, testing::article_options(batch));
  Parameters parameters(library.device(), plan.parameters, plan.parameter_elements, true);
  parameters.initialize(1);
  OptimizerState optimizer(library, OptimizerProblem{}, parameters.segments(), parameters.elements());
  Executor executor(plan, library.device(), parameters, 1);
  Buffer pixels(host_device(), size_t(batch * plan.options.input.count()));
  std::fill_n(static_cast<uint8_t*>(pixels.data()), pixels.bytes(), uint8_t{77});
  const std::vector<int32_t> labels(size_t(batch), 1);
  for (uint64_t step = 0; step < 3; step++) {
    executor.forward({pixels.data(), plan.options.input.prepend(batch), DType::u8},
                     {labels.data(), {batch}, DType::i32}, 1.0f / float(batch),
                     {.step = step, .update = optimizer.advance(1e-3f)});
    executor.backward();
    optimizer.update(executor.context(), parameters.values(), parameters.grads());
  }
}

// The resident set at its largest, beyond what code, libraries and threads take: these come with the small step.
TEST(TrainingMemory, PredictsTheResidentSetOfAStep) {
  if (kSanitized) GTEST_SKIP() << "the sanitizer's own memory would be measured";
  const auto library = make_library("cpu", 0);
  train_article(*library, 1);
  ::malloc_trim(0);  // what earlier tests have freed is resident too, and would be used again
  if (!(std::ofstream("/proc/self/clear_refs") << "5")) GTEST_SKIP() << "the high-water mark cannot be reset";
  const double before = status_bytes("VmRSS:");
  train_article(*library, 128);
  const double measured = status_bytes("VmHWM:") - before;
  const double predicted =
      training_memory(find_model("article"), *library, testing::article_options(128), 128, 2).step();
  std::printf("resident set of a step: %.0f bytes measured, %.0f predicted\n", measured, predicted);
  EXPECT_NEAR(measured / predicted, 1, 0.02);
}

// A net of layers and sizes drawn at random, for pictures of 12x12x1 in two classes.
std::string random_net(Random& random) {
  std::string net = "name = \"random\"\n";
  const auto layer = [&](const std::string& type, const std::string& rest) {
    net += "[[layer]]\ntype = \"" + type + "\"\n" + rest;
  };
  for (uint32_t i = 0, n = random.below(4); i < n; i++) {
    layer("conv2d", fmt::format("filters = {}\nkernel = {}\npadding = \"same\"\nactivation = \"{}\"\n",
                                1 + random.below(9), 1 + 2 * random.below(3),
                                std::vector{"relu", "tanh", "silu", "none"}[random.below(4)]));
    if (random.below(4) == 0) layer("batchnorm", "");
    if (random.below(3) == 0) layer("pool2d", random.below(2) ? "kind = \"max\"\n" : "kind = \"average\"\n");
    if (random.below(4) == 0) layer("dropout", "rate = 0.2\n");
  }
  layer("flatten", "");
  if (random.below(2))
    layer("dense", fmt::format("units = {}\nactivation = \"relu\"\n", 1 + random.below(40)));
  layer("dense", "units = \"classes\"\nactivation = \"softmax\"\n");
  return net;
}

// What a training run of some steps, with validation, allocates on the device at most.
size_t measured_peak(const Graph& graph, int batch, const MemoryFit& fit) {
  testing::CountingDevice device;
  const Library library = testing::library_on(device);
  TrainConfig c;
  c.epochs = 1, c.batch = batch, c.micro_batch = int(fit.micro_batch), c.arena_limit = fit.arena_limit;
  c.preprocess = {12, 12, 1, Resize::antialias, Scaling::centered};
  c.loader_threads = 1;
  Observer silent;
  Trainer trainer(graph, split_in_memory(testing::bars(2 * 30), 0.3, 1), c, library, silent);
  trainer.run(std::atomic<bool>{false});
  return device.peak();
}

// Trains within the limit, or refuses before anything is allocated and names a limit with which it would train.
TEST(TrainingMemory, RandomNetsTrainWithinRandomLimitsOrRefuse) {
  const auto library = make_library("cpu", 0);
  Random random({7, Purpose::test, 3, 0});
  int divided = 0, refused = 0, dropped = 0;
  for (int i = 0; i < 200; i++) {
    const std::string net = random_net(random);
    const Graph graph = parse_model(net, "random");
    PlanOptions o;
    o.batch = 1 + random.below(40);
    o.input = {12, 12, 1};
    o.classes = 2;
    const bool recompute = random.below(3) != 0;
    const double whole = training_memory(graph, *library, o, o.batch, 2).limited(DeviceKind::host);
    double limit = whole * double(random.uniform(0.3f, 1.2f));
    MemoryFit fit;
    try {
      fit = fit_micro_batch(graph, *library, o, 2, limit, recompute);
    } catch (const Error& e) {
      ASSERT_EQ(e.code(), ErrorCode::memory) << e.what();
      refused++;
      const std::string text = e.what(), key = " need ";
      const std::string needed = text.substr(text.find(key) + key.size());
      size_t unit = 0;
      const double number = std::stod(needed, &unit);
      const double named = number * (needed[unit] == 'K' ? 1e3 : 1e6);
      EXPECT_GT(named, limit);
      EXPECT_LT(named, whole * 1.01 + 1e3);  // it is in whole KB
      limit = named;
      // Throws, and fails the test, when the line was wrong.
      fit = fit_micro_batch(graph, *library, o, 2, limit, recompute);
    }
    divided += fit.micro_batch < o.batch;
    dropped += fit.arena_limit != kNoArenaLimit;
    EXPECT_LE(fit.memory.limited(DeviceKind::host), limit);
    const double predicted = fit.memory.limited(DeviceKind::host) - fit.memory.loaders -
                             fit.memory.saving;  // these are not the device's
    const double measured = double(measured_peak(graph, int(o.batch), fit));
    EXPECT_LE(measured, predicted) << net << o.batch << " by " << fit.micro_batch;
    EXPECT_GE(measured, predicted * 0.99) << net << o.batch << " by " << fit.micro_batch;
  }
  EXPECT_GT(divided, 20);
  EXPECT_GT(refused, 20);
  EXPECT_GT(dropped, 20);
}

}  // namespace
}  // namespace gabor
