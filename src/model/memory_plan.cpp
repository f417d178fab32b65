#include "model/memory_plan.h"

#include <algorithm>

namespace gabor {
namespace {

struct Life {
  TensorId id = kNoTensor;
  bool grad = false;
  int first = 1 << 30, last = -1;
  size_t bytes = 0, offset = 0;
  void at(int time) { first = std::min(first, time), last = std::max(last, time); }
  bool meets(const Life& o) const { return first <= o.last && o.first <= last; }
};

bool placed_here(TensorRole role) {
  return role == TensorRole::activation || role == TensorRole::saved || role == TensorRole::result;
}

// First fit, largest first: each block goes to the lowest place that is free for its whole life.
size_t place(std::vector<Life>& lives) {
  std::sort(lives.begin(), lives.end(), [](const Life& a, const Life& b) {
    return a.bytes != b.bytes ? a.bytes > b.bytes : a.id != b.id ? a.id < b.id : a.grad < b.grad;
  });
  size_t total = 0;
  std::vector<const Life*> placed;  // by offset
  for (Life& l : lives) {
    size_t offset = 0;
    for (const Life* p : placed)
      if (p->meets(l) && p->offset < offset + l.bytes && offset < p->offset + p->bytes)
        offset = p->offset + p->bytes;
    l.offset = offset;
    placed.insert(std::upper_bound(placed.begin(), placed.end(), &l,
                                   [](const Life* a, const Life* b) { return a->offset < b->offset; }),
                  &l);
    total = std::max(total, offset + l.bytes);
  }
  return total;
}

}  // namespace

MemoryPlan plan_memory(const TensorTable& table, const std::vector<std::unique_ptr<Step>>& steps,
                       int64_t batch, bool training, const std::vector<TensorId>& pinned) {
  const int S = int(steps.size());
  std::vector<Life> value(size_t(table.size())), grad(size_t(table.size()));
  MemoryPlan plan;
  for (int i = 0; i < S; i++) {
    const StepUses u = steps[size_t(i)]->uses();
    const int back = 2 * S - 1 - i;
    for (TensorId t : u.reads) value[size_t(table.root(t))].at(i);
    for (TensorId t : u.writes) value[size_t(table.root(t))].at(i);
    if (training) {
      for (TensorId t : u.keeps) value[size_t(table.root(t))].at(back);
      for (TensorId t : u.reads)
        grad[size_t(table.root(t))].at(i == S - 1 ? i : back);  // the loss writes dy in its forward
      for (TensorId t : u.writes) grad[size_t(table.root(t))].at(back);
    }
    plan.workspace_bytes = std::max(plan.workspace_bytes, steps[size_t(i)]->workspace_bytes(batch));
  }
  for (TensorId t : pinned) value[size_t(table.root(t))].at(2 * S);

  std::vector<Life> lives;
  for (TensorId t = 0; t < table.size(); t++) {
    const TensorInfo& info = table[t];
    if (info.alias_of != kNoTensor || !placed_here(info.role)) continue;
    for (const bool g : {false, true}) {
      Life& l = g ? grad[size_t(t)] : value[size_t(t)];
      if (l.last < 0 || (g && (!info.needs_grad || info.role != TensorRole::activation))) continue;
      l.id = t, l.grad = g, l.bytes = aligned(table.bytes(t, batch));
      lives.push_back(l);
    }
  }
  plan.arena_bytes = place(lives);
  plan.value_offset.assign(size_t(table.size()), kNotPlaced);
  plan.grad_offset.assign(size_t(table.size()), kNotPlaced);
  for (const Life& l : lives) (l.grad ? plan.grad_offset : plan.value_offset)[size_t(l.id)] = l.offset;
  for (TensorId t = 0; t < table.size(); t++) {  // aliases share their root's place
    plan.value_offset[size_t(t)] = plan.value_offset[size_t(table.root(t))];
    plan.grad_offset[size_t(t)] = plan.grad_offset[size_t(table.root(t))];
  }
  return plan;
}

}  // namespace gabor
