// Plans of an op, made at set-up and found again in a step without an allocation.
#pragma once
#include <memory>
#include <mutex>
#include <vector>

namespace gabor::cudnn {

template <class Plan>
class PlanCache {
 public:
  // The plan for which serves(plan), or a new one from make(), which returns a unique_ptr. Plans stay where they are.
  template <class Serves, class Make>
  const Plan& get(Serves serves, Make make) const {
    const std::lock_guard lock(mutex_);
    for (const auto& plan : plans_)
      if (serves(*plan)) return *plan;
    plans_.push_back(make());
    return *plans_.back();
  }

 private:
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Plan>> plans_;
};

}  // namespace gabor::cudnn
