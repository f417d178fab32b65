#pragma once
#include <chrono>
#include <optional>
#include <string>

#include "device/device.h"
#include "report/chrome_trace.h"
#include "train/records.h"

namespace gabor {

// Where the first steps of a run spend their time: waiting for pictures, each op's forward and backward, the update of the
// parameters and what is left. Ops are timed one by one, so a GPU waits after each and steps are longer than unwatched ones.
// For a profiler that is attached, each such step and each op is a range of the device too.
class TrainProfile : public Observer {
 public:
  static constexpr int64_t kSteps = 50;

  void before_step(int64_t global_step, Executor& executor) override;
  void on_step(const StepRecord& r) override;

  const ChromeTrace& trace() const { return trace_; }

 private:
  double now() const;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  ChromeTrace trace_;
  std::optional<DeviceRange> range_;  // of the step that runs; ended also where the step throws
  int64_t steps_ = 0;
  bool watching_ = false;
  double step_begin_ = 0;    // of the step that runs
  double last_end_ = -1;     // of the step before; below 0: there was none, or the epoch has changed
  double backward_end_ = 0;  // of the last op that ran
};

}  // namespace gabor
