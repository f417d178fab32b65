#include "cli/train_shadow.h"

#include <filesystem>

#include "backends/all.h"
#include "cli/run_folder.h"
#include "cli/saved_case.h"
#include "core/error.h"
#include "model/executor.h"

namespace gabor {

TrainShadow::TrainShadow(const TrainSettings& s, const Library& main, std::string folder)
    : every_(s.shadow.every),
      second_(make_library(s.shadow.backend, s.threads)),
      shadow_(main, *second_),
      folder_(std::move(folder)) {}

void TrainShadow::before_step(int64_t global_step, Executor& executor) {
  checking_ = global_step % every_ == 0;
  if (!checking_) return void(executor.on_step = nullptr);
  step_ = global_step;
  executor.on_step = [this](const Step& step, bool backward, double) {
    shadow_.step_ran(step, backward);
    // At once: a wrong result may end the training step, as a loss that is no number does.
    if (shadow_.breach() && breach_.empty()) tell_breach();
  };
  shadow_.begin_step();
}

void TrainShadow::on_step(const StepRecord& r) {
  if (!checking_ || r.validating || r.global_step != step_) return;
  checking_ = false;
  const std::vector<ShadowCheck> checks = shadow_.end_step();
  if (log_) log_->shadow(r.global_step, summary().backend, checks);
}

void TrainShadow::tell_breach() {
  const ShadowBreach& b = *shadow_.breach();
  breach_ = breach_text(b);
  std::string file;
  if (!folder_.empty()) {
    std::error_code error;  // a folder that is not there shows in writing
    std::filesystem::create_directories(folder_ + "/shadow", error);
    file = fmt::format("{}/shadow/step-{:06}-{}-{}.safetensors", folder_, step_, path_name(b.layer),
                       name_of(b.pass));
    save_case(file, {step_, b});
    breach_ += "; to repeat it: gabor duel --replay " + shell_quoted(file);
  }
  if (log_) log_->breach(step_, breach_, file);
  stop_();
}

void TrainShadow::check() const {
  if (!breach_.empty()) fail(ErrorCode::numeric, fmt::format("step {}", step_), "{}", breach_);
}

}  // namespace gabor
