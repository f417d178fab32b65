#include "model/schedule.h"

namespace gabor {
namespace {

class Scheduler {
 public:
  Scheduler(const TensorTable& table, const std::vector<std::unique_ptr<Step>>& steps,
            const std::vector<bool>& dropped)
      : table_(table), missing_(dropped), maker_(size_t(table.size()), -1) {
    for (const auto& s : steps) uses_.push_back(s->uses());
    for (int i = 0; i < int(uses_.size()); i++)
      for (TensorId t : uses_[size_t(i)].writes) maker_[size_t(table.root(t))] = i;
  }

  std::vector<Action> run(bool training) {
    const int S = int(uses_.size());
    for (int i = 0; i < S; i++) actions_.push_back({i, ActionKind::forward});
    for (int i = S - 1; training && i >= 0; i--) {
      for (TensorId t : uses_[size_t(i)].keeps) restore(t);
      actions_.push_back({i, ActionKind::backward});
    }
    return std::move(actions_);
  }

 private:
  void restore(TensorId id) {
    const int maker = maker_[size_t(table_.root(id))];
    if (maker < 0 || !missing_[size_t(maker)]) return;
    missing_[size_t(maker)] = false;
    for (TensorId t : uses_[size_t(maker)].reads) restore(t);
    actions_.push_back({maker, ActionKind::again});
  }

  const TensorTable& table_;
  std::vector<bool> missing_;  // by step: what it wrote is not there
  std::vector<int> maker_;     // by root tensor: the step that writes it; -1: none
  std::vector<StepUses> uses_;
  std::vector<Action> actions_;
};

}  // namespace

std::vector<Action> make_schedule(const TensorTable& table, const std::vector<std::unique_ptr<Step>>& steps,
                                  bool training, const std::vector<bool>& dropped) {
  return Scheduler(table, steps, dropped).run(training);
}

}  // namespace gabor
