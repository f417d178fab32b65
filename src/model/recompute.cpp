#include "model/recompute.h"

#include <algorithm>

#include "model/memory_plan.h"

namespace gabor {
namespace {

using Steps = std::vector<std::unique_ptr<Step>>;

// Of running forward once more, in FLOPs. What is not a matrix product waits for memory: 10 FLOPs a byte are about what
// CPUs and GPUs do in fp32.
double cost_of(const TensorTable& table, const Step& step, int64_t batch) {
  constexpr double kFlopsPerByte = 10;
  const StepUses u = step.uses();
  double bytes = 0;
  for (const auto* ids : {&u.reads, &u.writes})
    for (TensorId t : *ids) bytes += double(table.bytes(t, batch));
  return double(step.flops()) + kFlopsPerByte * bytes;
}

// What may be dropped: the last step is the loss, which has begun backward, and pinned tensors are read after it.
std::vector<int> candidates(const TensorTable& table, const Steps& steps,
                            const std::vector<TensorId>& pinned) {
  std::vector<bool> kept(size_t(table.size()), false);
  for (TensorId t : pinned) kept[size_t(table.root(t))] = true;
  std::vector<int> found;
  for (int i = 0; i + 1 < int(steps.size()); i++) {
    bool free = true;
    for (TensorId t : steps[size_t(i)]->uses().writes) free = free && !kept[size_t(table.root(t))];
    if (free) found.push_back(i);
  }
  return found;
}

// The most forwards that run again in a row: so many results live together that were dropped.
int longest_run(const std::vector<Action>& schedule) {
  int longest = 0, run = 0;
  for (const Action& a : schedule) {
    run = a.kind == ActionKind::again ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  return longest;
}

struct Search {
  const TensorTable& table;
  const Steps& steps;
  int64_t batch;
  const std::vector<TensorId>& pinned;

  std::vector<Action> schedule(const std::vector<bool>& dropped) const {
    return make_schedule(table, steps, true, dropped);
  }
  size_t arena(const std::vector<bool>& dropped) const {
    return plan_memory(table, steps, schedule(dropped), batch, pinned).arena_bytes;
  }

  // The step to drop next: that with the most bytes off the peak for its cost, of those that leave at most `run` forwards
  // to run again in a row; -1: none lowers the peak.
  int next(const std::vector<int>& may, std::vector<bool> dropped, int run) const {
    const auto peak = [&](const std::vector<Action>& s) { return live_peak(table, steps, s, batch, pinned); };
    const size_t now = peak(schedule(dropped));
    int best = -1;
    double best_gain = 0;
    for (const int i : may) {
      if (dropped[size_t(i)]) continue;
      dropped[size_t(i)] = true;
      const std::vector<Action> s = schedule(dropped);
      dropped[size_t(i)] = false;
      if (longest_run(s) > run) continue;
      const size_t then = peak(s);
      const double gain = then < now ? double(now - then) / cost_of(table, *steps[size_t(i)], batch) : 0;
      if (gain > best_gain) best_gain = gain, best = i;
    }
    return best;
  }
};

}  // namespace

std::vector<bool> choose_dropped(const TensorTable& table, const Steps& steps, int64_t batch,
                                 const std::vector<TensorId>& pinned, size_t limit) {
  const Search search{table, steps, batch, pinned};
  const std::vector<int> may = candidates(table, steps, pinned);
  std::vector<bool> best(steps.size(), false);
  size_t smallest = search.arena(best);
  for (int run = 1; smallest > limit && run <= 2 * int(steps.size()); run *= 2) {
    std::vector<bool> dropped(steps.size(), false);
    for (int i; smallest > limit && (i = search.next(may, dropped, run)) >= 0;) {
      dropped[size_t(i)] = true;
      if (const size_t bytes = search.arena(dropped); bytes < smallest) smallest = bytes, best = dropped;
    }
  }
  return best;
}

}  // namespace gabor
