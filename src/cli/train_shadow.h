#pragma once
#include <functional>
#include <memory>
#include <string>

#include "cli/train_settings.h"
#include "duel/shadow.h"
#include "report/log_jsonl.h"

namespace gabor {

// Shadow training (duel/shadow.h) of one run: chooses the steps, keeps the log, and at the first breach saves the case
// and asks the run to stop.
class TrainShadow : public Observer {
 public:
  // main must outlive it. folder: of the run; "": nothing is saved. Throws Error{usage} when both are one backend.
  TrainShadow(const TrainSettings& s, const Library& main, std::string folder);

  const Library& library() const { return shadow_.library(); }  // to train with
  const ShadowSummary& summary() const { return shadow_.summary(); }
  void write_to(LogJsonl& log) { log_ = &log; }
  void on_breach(std::function<void()> call) { stop_ = std::move(call); }

  void before_step(int64_t global_step, Executor& executor) override;
  void on_step(const StepRecord& r) override;

  // Throws Error{numeric} naming the breach and its file, if there was one. Also to be called when the run fails: a wrong
  // result is then the reason.
  void check() const;

 private:
  void tell_breach();
  int64_t every_;
  std::shared_ptr<const Library> second_;
  Shadow shadow_;
  std::string folder_, breach_;  // breach_: what is told of it; "": none
  int64_t step_ = 0;             // the last one that was checked
  LogJsonl* log_ = nullptr;
  std::function<void()> stop_ = [] {};
  bool checking_ = false;  // the step that runs
};

}  // namespace gabor
