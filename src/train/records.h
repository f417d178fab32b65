// What a run tells of itself while it goes. report/ and cli/ listen.
#pragma once
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "model/plan.h"
#include "train/preprocess.h"

namespace gabor {

// What the loader does with one picture, on one of its threads; mean over the epoch so far. NaN: none was decoded, all
// came from the cache.
struct PictureTime {
  double decode_ms = std::numeric_limits<double>::quiet_NaN();  // the file read and decoded
  double resize_ms = std::numeric_limits<double>::quiet_NaN();
};

struct StepRecord {
  int epoch = 0, epochs = 0;  // epoch is 1-based
  int step = 0, steps = 0;    // 1-based, within the epoch
  int64_t global_step = 0;
  double loss = 0, accuracy = 0;  // mean over the epoch so far
  double lr = 0;
  double images_per_s = 0;   // over the epoch so far, waiting included
  double data_wait_pct = 0;  // share of the time spent waiting for the loader
  PictureTime picture;
  double seconds_left = 0;  // estimate for the whole run
  bool validating = false;
};

struct EpochRecord {
  int epoch = 0, epochs = 0;
  int64_t global_step = 0;
  double train_loss = 0, train_acc = 0;
  double val_loss = 0, val_acc = 0;  // NaN when there is no validation set
  double lr = 0;
  double images_per_s = 0, data_wait_pct = 0, seconds = 0;
  PictureTime picture;
  bool best = false;
  int64_t bad_files = 0;  // met so far in the run
  int64_t skipped =
      0;  // steps that moved nothing, as their gradients were not all numbers (optim/loss_scale.h)
  double loss_scale = 1;  // at the epoch's end; 1: the run has none
};

class Executor;

// The state of things before the first step.
struct RunInfo {
  const Plan* plan = nullptr;
  std::vector<std::string> classes;
  int64_t train_samples = 0, val_samples = 0, test_samples = 0;
  std::string split_note;
  Preprocess preprocess;
  std::string device;                 // "CPU, 2 threads"
  std::vector<std::string> backends;  // in order
  std::string out;                    // run folder
  bool resident = false;              // the training pictures stay on the device after the first epoch
  bool resumed = false;
  int first_epoch = 1;
};

class Observer {
 public:
  virtual ~Observer() = default;
  virtual void on_start(const RunInfo&) {}
  // Before each training step; global_step is its number in the run, from 1. The executor will run it, and its hooks may
  // be set.
  virtual void before_step(int64_t /*global_step*/, Executor&) {}
  virtual void on_step(const StepRecord&) {}
  virtual void on_epoch(const EpochRecord&) {}
  virtual void on_warning(const std::string&) {}
};

}  // namespace gabor
