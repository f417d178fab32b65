#pragma once
#include <string>
#include <vector>

#include "train/records.h"

namespace gabor {

// Hands everything on to others, in the order they were added. They must outlive it.
class ObserverList : public Observer {
 public:
  void add(Observer& observer) { observers_.push_back(&observer); }
  void on_start(const RunInfo& run) override {
    for (Observer* o : observers_) o->on_start(run);
  }
  void before_step(int64_t global_step, Executor& executor) override {
    for (Observer* o : observers_) o->before_step(global_step, executor);
  }
  void on_step(const StepRecord& s) override {
    for (Observer* o : observers_) o->on_step(s);
  }
  void on_epoch(const EpochRecord& e) override {
    for (Observer* o : observers_) o->on_epoch(e);
  }
  void on_warning(const std::string& text) override {
    for (Observer* o : observers_) o->on_warning(text);
  }

 private:
  std::vector<Observer*> observers_;
};

}  // namespace gabor
