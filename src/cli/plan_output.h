#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "model/plan.h"
#include "ops/library.h"
#include "train/training_memory.h"

namespace gabor {

// What `gabor plan` knows of a training run.
struct PlannedRun {
  const Plan* plan = nullptr;        // of one micro-batch
  const Library* library = nullptr;  // that it was compiled for
  int64_t batch = 0;                 // samples a step
  TrainingMemory memory;
  double eager = 0;     // activations of an eager framework for the whole batch, in bytes (model/step_cost.h)
  double resident = 0;  // what this process holds already, before it trains: code and libraries
  std::string vram;     // the limit as given; "": none
  bool on_host() const { return library->device().kind() == DeviceKind::host; }
  double eager_step() const;  // with the parameters and pictures that any framework holds
  double process() const;     // predicted resident set of a process that trains, on the host
};

// "3 of 12 steps drop their results and run forward again: ..."; "" where none does.
std::string recompute_text(const Plan& plan);

// A line for each step, then the peak, beside it the eager figure, and what a run needs in all.
std::string plan_text(const PlannedRun& run);
nlohmann::ordered_json plan_json(const PlannedRun& run);

}  // namespace gabor
