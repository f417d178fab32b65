#pragma once
#include <atomic>
#include <memory>
#include <string>

#include "data/loader.h"
#include "model/executor.h"
#include "optim/schedule.h"
#include "train/checkpoint.h"
#include "train/evaluator.h"
#include "train/records.h"

namespace gabor {

struct TrainConfig {
  int epochs = 5, batch = 128;  // the article's
  // Samples that run at a time; the gradients of a batch are added up over its micro-batches. 0: the whole batch.
  int micro_batch = 0;
  size_t arena_limit = kNoArenaLimit;  // of the training plan (PlanOptions)
  int samples_at_once() const { return micro_batch == 0 || micro_batch > batch ? batch : micro_batch; }
  OptimizerProblem optimizer;
  ScheduleKind schedule = ScheduleKind::constant;
  float lr = 1e-3f;
  double warmup_epochs = 0;
  LossKind loss = LossKind::softmax_xent;
  float label_smoothing = 0;
  uint64_t seed = 1;
  Preprocess preprocess;
  AugmentSpec augment{};   // of the training pictures
  int loader_threads = 0;  // 0: one less than the machine has
  double max_bad = 0.01;
  BadPolicy bad_policy = BadPolicy::skip;
  std::shared_ptr<PictureCache>
      cache;  // of the data set, in this form; null: pictures are decoded each epoch
  // Training pictures stay on the device after the first epoch (training_pictures.h): augment.only_moves().
  bool resident = false;
  int overfit = 0;          // > 0: train and validate on that many training samples, for debugging
  int max_steps = 0;        // > 0: stop the run after that many steps in all (--dry-run: 2)
  std::string out;          // run folder; "" = save nothing
  std::string config_text;  // kept in the checkpoints
};

struct TrainResult {
  Progress progress;
  std::vector<EpochRecord> epochs;
  EvalResult validation;  // of the last epoch
  bool stopped = false;   // the stop flag was seen; the state is saved
};

// The training loop. One trainer = one run.
class Trainer {
 public:
  // Compiles the plans and allocates; throws before the first step when something does not fit. The class
  // count comes from the data. resume: a checkpoint with optimizer state, or null; init: weights to start
  // from, or null.
  Trainer(const Graph& graph, DataSplits data, TrainConfig config, const Library& library, Observer& observer,
          const Checkpoint* resume = nullptr, const Checkpoint* init = nullptr);
  ~Trainer();

  // Runs to the end, or until *stop is set (checked after every step and every validation batch): then the
  // state is saved and result.stopped is true. Throws Error{numeric} when the loss is no longer a number. Where the plan
  // scales the loss (MixedPrecision), a step whose gradients are not all numbers moves no parameter; schedule, number of
  // updates and running statistics go on.
  TrainResult run(const std::atomic<bool>& stop);

  const Plan& plan() const;
  Parameters& parameters();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gabor
