#include "cli/train_profile.h"

#include <fmt/format.h>

#include "model/executor.h"

namespace gabor {
namespace {

std::string step_name(int64_t global_step) { return fmt::format("step {}", global_step); }

}  // namespace

double TrainProfile::now() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
}

void TrainProfile::before_step(int64_t global_step, Executor& executor) {
  watching_ = steps_ < kSteps;
  if (!watching_) return void(executor.on_step = nullptr);
  range_.emplace(executor.device(), step_name(global_step));
  step_begin_ = now();
  if (last_end_ >= 0) trace_.add("loader", "wait for pictures", last_end_, step_begin_ - last_end_);
  executor.on_step = [this](const Step& step, bool backward, double seconds) {
    backward_end_ = now();
    trace_.add("ops", step.title(backward), backward_end_ - seconds, seconds);
  };
}

void TrainProfile::on_step(const StepRecord& r) {
  if (r.validating) last_end_ = -1;
  if (r.validating || !watching_) return;
  watching_ = false;
  range_.reset();
  steps_++;
  last_end_ = now();
  trace_.add("ops", "update", backward_end_, last_end_ - backward_end_);
  trace_.add("steps", step_name(r.global_step), step_begin_, last_end_ - step_begin_);
}

}  // namespace gabor
