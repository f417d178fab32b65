// Short trainings on the cuda backend over the fake CUDA runtime, and what is seen of them.
#pragma once
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "backends/cuda/backend.h"
#include "cli/train_shadow.h"
#include "device/fake_cuda_runtime.h"
#include "model/graph.h"
#include "report/observer_list.h"
#include "train/sets.h"
#include "train/trainer.h"

namespace gabor::cuda_calls {

using testing::fake_cuda;

class CudaCalls : public ::testing::Test {
 protected:
  void SetUp() override { testing::reset_fake_cuda(); }
  void TearDown() override { EXPECT_TRUE(fake_cuda().clean()) << "memory, streams or events are left"; }
};

// Notes how many calls had been made when each step's result was told, and what was said.
class Steps final : public Observer {
 public:
  void on_step(const StepRecord& r) override {
    if (r.validating) return;
    calls_after.push_back(int(fake_cuda().calls.size()));
    losses.push_back(r.loss);
  }
  void on_epoch(const EpochRecord& r) override { skipped += r.skipped; }
  void on_warning(const std::string& text) override { warnings.push_back(text); }
  std::vector<int> calls_after;
  std::vector<double> losses;
  int64_t skipped = 0;
  std::vector<std::string> warnings;
};

inline constexpr float kRate = 0x1p-7f;

struct Outcome {
  std::vector<float> weights;
  Steps steps;
};

inline TrainConfig config(float lr = kRate) {
  TrainConfig c;
  c.epochs = 2, c.batch = 8, c.lr = lr;
  c.preprocess = {12, 12, 1, Resize::antialias, Scaling::centered};
  c.loader_threads = 1;
  return c;
}

inline Outcome train(const Library& library, const char* net, int images, const TrainConfig& c,
                     const Checkpoint* resume = nullptr, TrainShadow* shadow = nullptr,
                     Observer* watcher = nullptr) {
  Outcome outcome;
  ObserverList observers;
  observers.add(outcome.steps);
  if (shadow) observers.add(*shadow);
  if (watcher) observers.add(*watcher);
  Trainer trainer(parse_model(net, "net"), split_in_memory(testing::bars(images), 0.2, 1), c,
                  shadow ? shadow->library() : library, observers, resume);
  trainer.run(std::atomic<bool>(false));
  const TensorView values = trainer.parameters().values();
  outcome.weights.resize(size_t(values.count()));
  library.device().copy_from(outcome.weights.data(), values.data, values.bytes());
  return outcome;
}

inline Outcome train(const std::string& out = "", const Checkpoint* resume = nullptr, bool resident = false) {
  const int images = resident ? 15 : 30;  // 2 or 3 steps an epoch
  const Library library({make_cuda_backend()});
  TrainConfig c = config();
  c.out = out, c.resident = resident;
  return train(library, testing::kBarsNet, images, c, resume);
}

}  // namespace gabor::cuda_calls
