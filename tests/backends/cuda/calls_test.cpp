// What the cuda backend asks of the CUDA runtime: its kernels run on the CPU, all else goes to a fake runtime, where calls
// are counted and any of them can fail.
#include "backends/cuda/calls.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <iostream>
#include <map>
#include <set>

#include "backends/cuda/tiny_net.h"
#include "cli/train_profile.h"
#include "core/error.h"
#include "kernels/simt/host/runtime.h"
#include "model/nets.h"

// The linker sends calls of simt::host::run_grid here. Launches are put off, as a GPU's are.
#define RUN_GRID(prefix) prefix##_ZN5gabor4simt4host8run_gridERKNS1_6LaunchEPFvPvES5_
extern "C" void RUN_GRID(__real_)(const gabor::simt::host::Launch&, void (*)(void*), void*);
extern "C" void RUN_GRID(__wrap_)(const gabor::simt::host::Launch& launch, void (*body)(void*),
                                  void* closure) {
  std::vector<std::max_align_t> kept(launch.closure_bytes / sizeof(std::max_align_t) + 1);
  std::memcpy(kept.data(), closure, launch.closure_bytes);
  gabor::testing::fake_cuda_launch(launch.stream, [=, kept = std::move(kept)]() mutable {
    RUN_GRID(__real_)(launch, body, kept.data());
  });
}
#undef RUN_GRID

namespace gabor {
namespace {

using cuda_calls::config;
using cuda_calls::CudaCalls;
using cuda_calls::kRate;
using cuda_calls::Outcome;
using cuda_calls::Steps;
using cuda_calls::train;
using testing::fake_cuda;

// Has each step finished before the next is queued.
class Waits final : public Observer {
 public:
  void before_step(int64_t, Executor& executor) override {
    executor.on_step = [](const Step&, bool, double) {};
  }
};

// How often each call is made between two steps' results.
std::map<std::string, int> calls_between(const Steps& steps, size_t first, size_t last) {
  std::map<std::string, int> counts;
  for (int i = steps.calls_after[first]; i < steps.calls_after[last]; i++)
    counts[fake_cuda().calls[size_t(i)]]++;
  return counts;
}

TEST_F(CudaCalls, AStepAllocatesNothingAndWaitsOnlyForTheOneBefore) {
  const Library library({make_cuda_backend()});
  const Outcome outcome = train(library, testing::kTinyNet, 80, config());  // 8 steps an epoch, all whole
  ASSERT_EQ(outcome.steps.losses.size(), 16u);
  const std::map<std::string, int> calls = calls_between(outcome.steps, 3, 6);
  const std::set<std::string> allowed{"cudaSetDevice",   "cudaMemcpyAsync", "cudaStreamWaitEvent",
                                      "cudaEventRecord", "cudaGraphLaunch", "cudaEventSynchronize"};
  for (const auto& [name, n] : calls) {
    EXPECT_TRUE(allowed.contains(name)) << name;
    std::cout << name << " " << n / 3.0 << " a step\n";
  }
  EXPECT_EQ(calls.at("cudaGraphLaunch"), 3);  // one a step: the graph
  EXPECT_EQ(calls.at("cudaEventSynchronize"),
            3 * 2);  // for the step before, and for the upload of the one before that
  EXPECT_EQ(calls.at("cudaMemcpyAsync"), 3 * 3);  // pictures, labels, the step's values
  EXPECT_LE(calls.at("cudaSetDevice"), 3 * 4);    // one a copy, one a launch
  EXPECT_TRUE(outcome.steps.warnings.empty());
}

TEST_F(CudaCalls, AStepWith16BitTensorsWaitsForNoMore) {
  for (const char* math : {"bf16", "fp16"}) {
    testing::reset_fake_cuda();
    const Library library = Library({make_cuda_backend()}).in_precision(math);
    const Outcome outcome = train(library, testing::kBarsNet, 80, config());
    const std::map<std::string, int> calls = calls_between(outcome.steps, 3, 6);
    const std::set<std::string> allowed{"cudaSetDevice",   "cudaMemcpyAsync", "cudaStreamWaitEvent",
                                        "cudaEventRecord", "cudaGraphLaunch", "cudaEventSynchronize"};
    for (const auto& [name, n] : calls) EXPECT_TRUE(allowed.contains(name)) << name << " " << n;
    EXPECT_EQ(calls.at("cudaGraphLaunch"), 3) << math;
    EXPECT_EQ(calls.at("cudaEventSynchronize"), 3 * 2) << math;
    EXPECT_TRUE(outcome.steps.warnings.empty());
  }
}

// That a step was skipped is known one step late on a GPU; what follows from it is not to depend on that.
TEST_F(CudaCalls, AChangeOfTheLossScaleComesAtTheSameStepWhenEachIsWaitedFor) {
  TrainConfig c = config();
  const auto run = [&](bool hasty, Observer* watcher) {
    testing::reset_fake_cuda();
    fake_cuda().hasty = hasty;
    const Library library = Library({make_cuda_backend()}).in_precision("fp16");
    return train(library, testing::kOverflowingNet, 80, c, nullptr, nullptr, watcher);
  };
  for (const int micro_batch : {0, 3}) {
    c.micro_batch = micro_batch;
    Waits waits;
    const Outcome waited = run(false, &waits);
    EXPECT_GE(waited.steps.skipped, 2);
    EXPECT_LT(waited.steps.skipped, 12);
    for (const bool hasty : {false, true}) {
      const Outcome queued = run(hasty, nullptr);
      EXPECT_EQ(queued.weights, waited.weights) << hasty << micro_batch;
      EXPECT_EQ(queued.steps.losses, waited.steps.losses) << hasty << micro_batch;
      EXPECT_EQ(queued.steps.skipped, waited.steps.skipped) << hasty << micro_batch;
    }
  }
}

// In the first epoch a batch is brought and kept, and then gathered; later it is gathered only. Both beside the kernels of the
// step before: a gather that did not wait for what it needs, or was not waited for, would show as other weights.
TEST_F(CudaCalls, AResidentStepBringsNoPictures) {
  TrainConfig c = config();
  c.epochs = 3, c.augment.flip = true, c.augment.translate = 2;
  const auto run = [&](bool resident, bool hasty) {
    testing::reset_fake_cuda();
    fake_cuda().hasty = hasty;
    c.resident = resident;
    const Library library({make_cuda_backend()});
    return train(library, testing::kTinyNet, 80, c);  // 8 steps an epoch, all whole
  };
  const Outcome streaming = run(false, false);
  for (const bool hasty : {false, true}) {
    const Outcome resident = run(true, hasty);
    EXPECT_EQ(resident.weights, streaming.weights) << hasty;
    EXPECT_EQ(resident.steps.losses, streaming.steps.losses) << hasty;
    EXPECT_TRUE(resident.steps.warnings.empty());
    for (const auto& [first, copies] : {std::pair{3, 4}, {11, 3}}) {
      const std::map<std::string, int> calls =
          calls_between(resident.steps, size_t(first), size_t(first + 3));
      const std::set<std::string> allowed{"cudaSetDevice",   "cudaMemcpyAsync", "cudaStreamWaitEvent",
                                          "cudaEventRecord", "cudaGraphLaunch", "cudaEventSynchronize"};
      for (const auto& [name, n] : calls) EXPECT_TRUE(allowed.contains(name)) << name << " " << n;
      EXPECT_EQ(calls.at("cudaGraphLaunch"), 3);
      EXPECT_EQ(calls.at("cudaEventSynchronize"), 3 * 2);
      // What the batch is made of, labels, the step's values; at first the pictures too.
      EXPECT_EQ(calls.at("cudaMemcpyAsync"), 3 * copies);
    }
  }
}

// Parts of 3, 3 and 2 pictures, of an epoch's last batch 3 and 2.
TEST_F(CudaCalls, ResidentPartsHaveTheBitsOfStreaming) {
  TrainConfig c = config();
  c.epochs = 3, c.micro_batch = 3, c.augment.flip = true;
  const auto run = [&](bool resident) {
    testing::reset_fake_cuda();
    c.resident = resident;
    const Library library({make_cuda_backend()});
    return train(library, testing::kBarsNet, 87, c);
  };
  const Outcome streaming = run(false), resident = run(true);
  EXPECT_EQ(resident.weights, streaming.weights);
  EXPECT_EQ(resident.steps.losses, streaming.steps.losses);
}

// Kernels of a training step, Adam included: more of them are a step back. Of small pictures the article's dense layer and its
// loss are a head, of two kernels; of its own ones that layer is too large, and these are three.
TEST_F(CudaCalls, LaunchesNoMoreKernelsAStepThanItDid) {
  constexpr int kBatch = 128;  // as large as it is trained with: the losses of few rows take fewer
  const Library library({make_cuda_backend()});
  Device& device = library.device();
  for (const auto& [name, channels, most] : {std::tuple{"article", 3, 5}, {"lenet5", 1, 8}}) {
    PlanOptions options;
    options.batch = kBatch, options.input = {28, 28, channels}, options.classes = channels == 1 ? 10 : 2;
    const Plan plan = compile(find_model(name), library, options);
    Parameters parameters(device, plan.parameters, plan.parameter_elements, true);
    parameters.initialize(1);
    OptimizerState optimizer(library, {}, parameters.segments(), parameters.elements());
    Executor executor(plan, device, parameters, 1);
    const std::vector<uint8_t> pixels(size_t(kBatch * 28 * 28 * channels), 100);
    const std::vector<int32_t> labels(kBatch, 1);
    const int before = fake_cuda().launches;
    executor.step({pixels.data(), options.input.prepend(kBatch), DType::u8},
                  {labels.data(), {kBatch}, DType::i32}, 1.0f / kBatch, {.update = optimizer.advance(kRate)},
                  [&](Context& c) { optimizer.update(c, parameters.values(), parameters.grads()); });
    executor.result();
    std::cout << name << ": " << fake_cuda().launches - before << " kernels a step\n";
    EXPECT_LE(fake_cuda().launches - before, most) << name;
    EXPECT_GE(fake_cuda().launches - before, 5) << name;
  }
}

// A kernel that does not wait for its batch would read what was in that memory before.
TEST_F(CudaCalls, HaveTheLossCurveOfTheReference) {
  const auto reference = make_library("reference", 0);
  const auto losses = [&](float lr) {
    return train(*reference, testing::kBarsNet, 30, config(lr)).steps.losses;
  };
  const std::vector<double> want = losses(kRate);
  const double natural = testing::distance(losses(kRate * (1 + 0x1p-20f)), want);
  EXPECT_GT(natural, 0);
  EXPECT_LT(testing::distance(train().steps.losses, want), 16 * natural);
}

// The weights after so many steps of four pictures each, of which no result is read unless after_step does.
std::vector<float> weights_after(int64_t steps,
                                 const std::function<void(Executor&, int64_t step)>& after_step,
                                 bool made_in_place = false) {
  const Library library({make_cuda_backend()});
  Device& device = library.device();
  PlanOptions options;
  options.batch = 4, options.input = {12, 12, 1}, options.classes = 2;
  const Plan plan = compile(parse_model(testing::kBarsNet, "net"), library, options);
  const PictureSet set = testing::bars(24);
  Parameters parameters(device, plan.parameters, plan.parameter_elements, true);
  parameters.initialize(1);
  OptimizerState optimizer(library, {}, parameters.segments(), parameters.elements());
  Executor executor(plan, device, parameters, 1);
  const HostBuffer pixels(device, set.pixels.size()), labels(device, set.labels.size() * sizeof(int32_t));
  std::memcpy(pixels.data(), set.pixels.data(), set.pixels.size());
  std::memcpy(labels.data(), set.labels.data(), set.labels.size() * sizeof(int32_t));
  for (int64_t i = 0; i < steps; i++) {
    const int64_t first = i % 6 * 4;
    TensorView images{static_cast<uint8_t*>(pixels.data()) + first * 144, {4, 12, 12, 1}, DType::u8};
    if (made_in_place) {
      const TensorView input = executor.image_input(4);
      device.queue_copy_to(input.data, images.data, images.bytes(), Queue::upload);
      images = input;
    }
    executor.step(images, {static_cast<int32_t*>(labels.data()) + first, {4}, DType::i32}, 0.25f,
                  {.step = uint64_t(i), .update = optimizer.advance(kRate / float(i + 1))},
                  [&](Context& c) { optimizer.update(c, parameters.values(), parameters.grads()); });
    after_step(executor, i);
  }
  std::vector<float> got(size_t(parameters.elements()));
  device.copy_from(got.data(), parameters.values().data, parameters.values().bytes());
  return got;
}

// A batch, and the values of its step, must not be overwritten by those of the one after next.
TEST_F(CudaCalls, KeepABatchUntilItsStepIsDone) {
  const std::vector<float> one_by_one = weights_after(12, [](Executor& e, int64_t) { e.result(); });
  for (const bool hasty : {false, true}) {
    testing::reset_fake_cuda();
    fake_cuda().hasty = hasty;
    EXPECT_EQ(weights_after(12, [](Executor&, int64_t) {}), one_by_one) << hasty;
    testing::reset_fake_cuda();
    fake_cuda().hasty = hasty;
    EXPECT_EQ(weights_after(
                  12, [](Executor&, int64_t) {}, true),
              one_by_one)
        << hasty;
  }
}

int calls_of(const char* name) { return int(std::ranges::count(fake_cuda().calls, name)); }

// A graph of a step uses the workspace that was there when it was captured.
TEST_F(CudaCalls, CaptureAgainWhenTheWorkspaceMoves) {
  const std::vector<float> staying = weights_after(10, [](Executor&, int64_t) {});
  EXPECT_EQ(calls_of("cudaGraphInstantiate"), 2);
  testing::reset_fake_cuda();
  const std::vector<float> moved = weights_after(10, [](Executor& executor, int64_t step) {
    if (step != 5) return;
    const int before = calls_of("cudaMalloc");
    executor.reserve(64);
    EXPECT_EQ(calls_of("cudaMalloc"), before + 1);
  });
  EXPECT_EQ(calls_of("cudaGraphInstantiate"), 2 + 2);
  EXPECT_EQ(moved, staying);
}

// What changes from step to step reaches graphs that are captured once: the rate, Adam's corrections, what dropout draws.
TEST_F(CudaCalls, CaptureEachKindOfStepOnce) {
  TrainConfig c = config();
  c.epochs = 6, c.schedule = ScheduleKind::cosine, c.warmup_epochs = 1;
  c.micro_batch =
      3;  // parts of 3, 3 and 2 pictures; of an epoch's last batch 3 and 2, with a loss scale of 1/5
  const auto run = [&](bool graphs) {
    testing::reset_fake_cuda();
    fake_cuda().captures = graphs;
    const Library library({make_cuda_backend()});
    return train(library, testing::kBarsNet, 87, c);
  };
  const Outcome launched = run(false);
  EXPECT_EQ(calls_of("cudaGraphLaunch"), 0);
  EXPECT_EQ(launched.steps.warnings.size(), 1u);
  const Outcome replayed = run(true);
  EXPECT_EQ(replayed.weights, launched.weights);
  EXPECT_EQ(replayed.steps.losses, launched.steps.losses);
  EXPECT_TRUE(replayed.steps.warnings.empty());
  EXPECT_GE(replayed.steps.losses.size(), 50u);
  // An epoch has 8 * 3 + 2 parts: those of whole batches use both inputs, those of the last one the same each time.
  constexpr int kParts = 6 * (8 * 3 + 2), kGraphs = 3 * 2 + 2;
  for (const char* call : {"cudaStreamBeginCapture", "cudaStreamEndCapture", "cudaGraphInstantiate",
                           "cudaGraphDestroy", "cudaGraphExecDestroy"})
    EXPECT_EQ(calls_of(call), kGraphs) << call;
  EXPECT_EQ(calls_of("cudaGraphLaunch"), kParts - kGraphs);  // the first of each kind prepares
}

// Uploads beside the kernels, results read late, steps replayed as a graph: the same bits as when all is waited for.
TEST_F(CudaCalls, GiveTheSameWeightsWithoutAGraph) {
  const Outcome whole = train();
  const std::vector<std::string> calls = fake_cuda().calls;
  int without = 0;
  for (int i = 0; i < int(calls.size()); i++) {
    const std::string& call = calls[size_t(i)];
    if (call != "cudaStreamBeginCapture" && call != "cudaStreamEndCapture" && call != "cudaGraphInstantiate")
      continue;
    testing::reset_fake_cuda();
    fake_cuda().fail_at = i + 1;
    fake_cuda().lasting = false;
    const Outcome got = train();
    EXPECT_EQ(got.weights, whole.weights) << call;
    EXPECT_EQ(got.steps.losses, whole.steps.losses) << call;
    ASSERT_EQ(got.steps.warnings.size(), 1u) << call;
    EXPECT_NE(got.steps.warnings[0].find("not replayed as a CUDA graph: "), std::string::npos);
    without++;
  }
  EXPECT_EQ(without, 2 * 3);  // two graphs: each with an input and a result of its own
}

// Steps that are checked are finished before the next is queued; the others are queued as ever. A head is seen as its parts.
TEST_F(CudaCalls, AreCheckedByAShadow) {
  const Library library({make_cuda_backend()});
  for (const int micro_batch : {0, 3}) {
    TrainConfig c = config();
    c.micro_batch = micro_batch;
    const Outcome plain = train(library, testing::kHeadNet, 30, c);
    TrainSettings settings;
    settings.shadow = {"reference", 2};
    TrainShadow shadow(settings, library, "");
    const Outcome got = train(library, testing::kHeadNet, 30, c, nullptr, &shadow);
    EXPECT_EQ(got.weights, plain.weights);
    EXPECT_EQ(got.steps.losses, plain.steps.losses);
    EXPECT_EQ(shadow.summary().steps, 3);  // of 6
    for (const char* seen : {"conv2d_1 dw", "dense_1 dense y", "dense_1 dense dw"})
      EXPECT_GT(shadow.summary().worst.at(seen), 0) << seen;
    EXPECT_EQ(shadow.summary().worst.at("dense_1 pool2d y"), 0);
    EXPECT_NO_THROW(shadow.check());
  }
}

// A step that is watched is a range with one in it for each op and direction; others are none.
TEST_F(CudaCalls, MarkWatchedStepsForAProfiler) {
  train();
  EXPECT_TRUE(fake_cuda().ranges.empty());
  const auto watched = [] {
    const Library library({make_cuda_backend()});
    TrainProfile profile;
    return train(library, testing::kBarsNet, 30, config(), nullptr, nullptr, &profile).steps.losses.size();
  };
  testing::reset_fake_cuda();
  const size_t steps = watched();
  const std::vector<std::string> ranges = fake_cuda().ranges;
  const auto begun = [&](const std::string& name) { return std::ranges::count(ranges, name); };
  EXPECT_EQ(begun("step 1"), 1);
  EXPECT_EQ(begun("step " + std::to_string(steps)), 1);
  for (const char* op : {"conv2d_1 first_block forward", "conv2d_1 first_block backward",
                         "dense_1 head forward", "dense_1 head backward"})
    EXPECT_EQ(begun(op), int64_t(steps)) << op;
  int depth = 0;
  for (const std::string& name : ranges) {
    if (!name.empty()) {
      EXPECT_EQ(depth, name.starts_with("step ") ? 0 : 1) << name;
    }
    depth += name.empty() ? -1 : 1;
    EXPECT_GE(depth, 0);
  }
  EXPECT_EQ(depth, 0);

  // They end where a step ends by an error.
  constexpr int kEvery = 11;  // of the calls
  const int calls = int(fake_cuda().calls.size());
  int cut_short = 0;
  for (int i = 1; i <= calls; i += kEvery) {
    testing::reset_fake_cuda();
    fake_cuda().fail_at = i;
    try {
      watched();
    } catch (const Error&) {
      cut_short += fake_cuda().ranges.size() > 0 && fake_cuda().ranges.size() < ranges.size();
    }
    EXPECT_EQ(fake_cuda().open_ranges, 0) << "call " << i;
  }
  EXPECT_GT(cut_short, 5);
}

}  // namespace
}  // namespace gabor
