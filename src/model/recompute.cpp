#include "model/recompute.h"

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

}  // namespace

std::vector<bool> choose_dropped(const TensorTable& table, const Steps& steps, int64_t batch,
                                 const std::vector<TensorId>& pinned, size_t limit) {
  const std::vector<int> may = candidates(table, steps, pinned);
  std::vector<bool> dropped(steps.size(), false), best = dropped;
  const auto schedule = [&] { return make_schedule(table, steps, true, dropped); };
  const auto arena = [&] { return plan_memory(table, steps, schedule(), batch, pinned).arena_bytes; };
  const auto peak = [&] { return live_peak(table, steps, schedule(), batch, pinned); };
  size_t smallest = arena();
  while (smallest > limit) {
    const size_t now = peak();
    int next = -1;
    double gain = 0;
    for (const int i : may) {
      if (dropped[size_t(i)]) continue;
      dropped[size_t(i)] = true;
      const size_t then = peak();
      dropped[size_t(i)] = false;
      if (then >= now) continue;
      const double its = double(now - then) / cost_of(table, *steps[size_t(i)], batch);
      if (its > gain) gain = its, next = i;
    }
    if (next < 0) break;
    dropped[size_t(next)] = true;
    if (const size_t bytes = arena(); bytes < smallest) smallest = bytes, best = dropped;
  }
  return best;
}

}  // namespace gabor
