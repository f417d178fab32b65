// Short trainings with all that is told of them.
#pragma once
#include <atomic>
#include <string>
#include <vector>

#include "backends/cuda/tiny_net.h"
#include "model/graph.h"
#include "train/sets.h"
#include "train/trainer.h"

namespace gabor::testing {

inline TrainConfig config(const std::string& out = "") {
  TrainConfig c;
  c.epochs = 4, c.batch = 8;
  c.preprocess = {12, 12, 1, Resize::antialias, Scaling::centered};
  c.lr = 0x1p-7f;
  c.augment.flip = true;
  c.loader_threads = 2;
  c.out = out;
  return c;
}

class Recorder final : public Observer {
 public:
  explicit Recorder(int64_t stop_at = -1) : stop_at_(stop_at) {}
  void on_step(const StepRecord& r) override {
    if (r.validating) return;
    curve.push_back(r.loss);
    if (r.global_step == stop_at_) stop = true;
  }
  void on_epoch(const EpochRecord& r) override { epochs.push_back(r); }
  void on_warning(const std::string&) override {}
  std::vector<double> curve;  // mean loss of the epoch so far, after each step
  std::vector<EpochRecord> epochs;
  std::atomic<bool> stop{false};

 private:
  int64_t stop_at_;
};

struct Outcome {
  std::vector<double> curve;
  std::vector<EpochRecord> epochs;
  std::vector<float> weights;
};

// What is trained, and on what.
struct Task {
  std::string net = kTinyNet;
  PictureSet pictures = bars(60);
};

inline Outcome train(const Library& library, const TrainConfig& c, int64_t stop_at = -1,
                     const Checkpoint* resume = nullptr, const Task& task = {}) {
  Recorder recorder(stop_at);
  Trainer trainer(parse_model(task.net, "net"), split_in_memory(task.pictures, 0.3, 1), c, library, recorder,
                  resume);
  trainer.run(recorder.stop);
  const TensorView values = trainer.parameters().values();
  std::vector<float> weights(size_t(values.count()));
  library.device().copy_from(weights.data(), values.data, values.bytes());
  return {recorder.curve, recorder.epochs, weights};
}

}  // namespace gabor::testing
