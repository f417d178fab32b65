#include "model/recompute.h"

#include <algorithm>
#include <limits>

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
  size_t peak(const std::vector<bool>& dropped) const {
    return live_peak(table, steps, schedule(dropped), batch, pinned);
  }
  size_t arena(const std::vector<bool>& dropped) const {
    return plan_memory(table, steps, schedule(dropped), batch, pinned).arena_bytes;
  }

  // Bytes off the peak `now` for the cost of dropping step i too; 0 where more than `run` forwards would run again in a row.
  double gain(std::vector<bool> dropped, int i, int run, size_t now) const {
    dropped[size_t(i)] = true;
    const std::vector<Action> s = schedule(dropped);
    if (longest_run(s) > run) return 0;
    const size_t then = live_peak(table, steps, s, batch, pinned);
    return then < now ? double(now - then) / cost_of(table, *steps[size_t(i)], batch) : 0;
  }

  // The step to drop next; -1: none lowers the peak. known: gains by step, from before. They mostly shrink as more is
  // dropped, so that only the best is worked out anew, until it stays the best (Minoux: "Accelerated greedy algorithms for
  // maximizing submodular set functions", 1978); where none is left all of them are, once, for some may have grown.
  int next(const std::vector<int>& may, const std::vector<bool>& dropped, int run,
           std::vector<double>& known) const {
    const size_t now = peak(dropped);
    for (const bool last : {false, true}) {
      std::vector<bool> fresh(steps.size(), false);
      for (int i : may)
        if (last && !dropped[size_t(i)])
          known[size_t(i)] = gain(dropped, i, run, now), fresh[size_t(i)] = true;
      for (;;) {
        int best = -1;
        for (int i : may)
          if (!dropped[size_t(i)] && known[size_t(i)] > (best < 0 ? 0 : known[size_t(best)])) best = i;
        if (best < 0) break;
        if (fresh[size_t(best)]) return best;
        known[size_t(best)] = gain(dropped, best, run, now), fresh[size_t(best)] = true;
      }
    }
    return -1;
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
    std::vector<double> known(steps.size(), std::numeric_limits<double>::infinity());
    for (int i; smallest > limit && (i = search.next(may, dropped, run, known)) >= 0;) {
      dropped[size_t(i)] = true;
      if (search.peak(dropped) >= smallest) continue;  // and so has the arena
      if (const size_t bytes = search.arena(dropped); bytes < smallest) smallest = bytes, best = dropped;
    }
  }
  return best;
}

}  // namespace gabor
