#include "model/memory_plan.h"

#include <algorithm>

namespace gabor {
namespace {

struct Span {
  int first, last;
};

struct Life {
  TensorId id = kNoTensor;
  bool grad = false;
  std::vector<Span> spans;  // in order
  size_t bytes = 0, offset = 0;
  void begin(int time) { spans.push_back({time, time}); }
  void at(int time) {  // not before any time before
    if (spans.empty()) begin(time);
    spans.back().last = time;
  }
  bool meets(const Life& o) const {
    for (const Span& a : spans)
      for (const Span& b : o.spans)
        if (a.first <= b.last && b.first <= a.last) return true;
    return false;
  }
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

// The lives of all that is placed.
std::vector<Life> lives_of(const TensorTable& table, const std::vector<std::unique_ptr<Step>>& steps,
                           const std::vector<Action>& schedule, int64_t batch,
                           const std::vector<TensorId>& pinned) {
  std::vector<Life> value(size_t(table.size())), grad(size_t(table.size()));
  const auto touch = [&](std::vector<Life>& lives, const std::vector<TensorId>& ids, int time) {
    for (TensorId t : ids) lives[size_t(table.root(t))].at(time);
  };
  const bool training = schedule.size() > steps.size();
  for (int time = 0; time < int(schedule.size()); time++) {
    const auto [step, kind] = schedule[size_t(time)];
    const StepUses u = steps[size_t(step)]->uses();
    const bool is_loss = step + 1 == int(steps.size());  // writes gradients in its forward
    if (kind == ActionKind::backward) {
      touch(value, u.keeps, time);
      if (!is_loss) touch(grad, u.reads, time);
      touch(grad, u.writes, time);
      continue;
    }
    touch(value, u.reads, time);
    if (kind == ActionKind::again)
      for (TensorId t : u.writes) value[size_t(table.root(t))].begin(time);
    touch(value, u.writes, time);
    if (training && is_loss) touch(grad, u.reads, time), touch(grad, u.writes, time);
  }
  touch(value, pinned, int(schedule.size()));

  std::vector<Life> lives;
  for (TensorId t = 0; t < table.size(); t++) {
    const TensorInfo& info = table[t];
    if (info.alias_of != kNoTensor || !placed_here(info.role)) continue;
    for (const bool g : {false, true}) {
      Life& l = g ? grad[size_t(t)] : value[size_t(t)];
      if (l.spans.empty() || (g && (!info.needs_grad || info.role != TensorRole::activation))) continue;
      l.id = t, l.grad = g, l.bytes = aligned(table.bytes(t, batch));
      lives.push_back(std::move(l));
    }
  }
  return lives;
}

}  // namespace

size_t live_peak(const TensorTable& table, const std::vector<std::unique_ptr<Step>>& steps,
                 const std::vector<Action>& schedule, int64_t batch, const std::vector<TensorId>& pinned) {
  std::vector<int64_t> change(schedule.size() + 2, 0);
  for (const Life& l : lives_of(table, steps, schedule, batch, pinned))
    for (const Span& s : l.spans) {
      change[size_t(s.first)] += int64_t(l.bytes);
      change[size_t(s.last) + 1] -= int64_t(l.bytes);
    }
  int64_t now = 0, most = 0;
  for (const int64_t c : change) most = std::max(most, now += c);
  return size_t(most);
}

MemoryPlan plan_memory(const TensorTable& table, const std::vector<std::unique_ptr<Step>>& steps,
                       const std::vector<Action>& schedule, int64_t batch,
                       const std::vector<TensorId>& pinned) {
  MemoryPlan plan;
  for (const auto& s : steps)
    plan.workspace_bytes = std::max(plan.workspace_bytes, s->workspace_bytes(batch));
  std::vector<Life> lives = lives_of(table, steps, schedule, batch, pinned);
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
