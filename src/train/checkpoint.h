#pragma once
#include <optional>
#include <string>
#include <vector>

#include "model/graph.h"
#include "model/parameters.h"
#include "model/plan.h"
#include "ops/loss.h"
#include "optim/loss_scale.h"
#include "optim/optimizer_state.h"
#include "train/preprocess.h"
#include "train/safetensors.h"
#include "train/self_test.h"

namespace gabor {

// Where a run stands. Sums are of the epoch in progress, so that a resumed epoch reports what an unbroken one
// would.
struct Progress {
  int epoch = 0;            // 0-based; epochs finished when step = 0
  int step = 0;             // steps done in this epoch
  int64_t global_step = 0;  // steps done in all
  double loss_sum = 0;      // of the epoch's samples so far
  int64_t counted = 0, correct = 0;
  double seconds = 0;  // of the epoch so far
  double best_val_acc = -1, best_val_loss = 0;
  int best_epoch = -1;
  std::optional<LossScaleState> loss_scale{};  // where the run has one
  int64_t skipped = 0;  // steps of the epoch so far whose gradients were not all numbers: they moved nothing
};

// What a checkpoint says of itself, beside the numbers.
struct CheckpointInfo {
  Graph graph;  // with its number of classes
  std::vector<std::string> classes;
  Preprocess preprocess;
  LossKind loss = LossKind::softmax_xent;
  uint64_t seed = 1;
  uint64_t data_fingerprint = 0;
  std::string config;  // the run's resolved options (TOML), for --resume
  std::optional<SelfTest>
      self_test{};  // of the weights beside it; none: saved by an older gabor, or by a program
  Progress progress;
};

// The options of a plan that runs the trained net on batches of that size.
PlanOptions inference_options(const CheckpointInfo& info, int batch);

// Weights, and with an optimizer also its moments and the number of updates (what --resume needs).
void save_checkpoint(const std::string& path, const CheckpointInfo& info, const Parameters& parameters,
                     const OptimizerState* optimizer);

class Checkpoint {
 public:
  // Throws Error{checkpoint}: not there, damaged, not gabor's, from a newer version.
  explicit Checkpoint(const std::string& path);
  const CheckpointInfo& info() const { return info_; }
  // Every parameter must be there with its shape, and nothing else. Throws Error{checkpoint} naming the first
  // misfit.
  void load(Parameters& parameters) const;
  bool has_optimizer() const;
  void load(const Parameters& parameters, OptimizerState& optimizer) const;

 private:
  std::string path_;
  CheckpointInfo info_;
  SafeTensors file_;
};

}  // namespace gabor
