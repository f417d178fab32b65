#include "model/step_cost.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "core/text.h"
#include "ops/steps/head_step.h"

namespace gabor {
namespace {

// The tensors, by the root that owns their bytes, that some backward reads again.
std::set<TensorId> kept_tensors(const Plan& plan) {
  std::set<TensorId> kept;
  if (!plan.options.training) return kept;
  for (const auto& s : plan.steps)
    for (TensorId id : s->uses().keeps) kept.insert(plan.table.root(id));
  return kept;
}

bool is_choice_of(const ChoiceRecord& c, const Step& step) {
  return c.op == step.op() && c.problem == step.problem() &&
         (c.where == step.layer || c.where.starts_with(step.layer + " "));
}

std::string backends_of(const Plan& plan, const Step& step) {
  std::vector<std::string> names;
  for (const ChoiceRecord& c : plan.choices)
    if (is_choice_of(c, step) && std::find(names.begin(), names.end(), c.backend) == names.end())
      names.push_back(c.backend);
  return join(names, ", ");
}

std::string fusion_of(const Plan& plan, const Step& step) {
  const std::string prefix = step.layer + ": ";
  for (const std::string& f : plan.fusions)
    if (f.starts_with(prefix) && f.find(step.op()) != std::string::npos) return f.substr(prefix.size());
  return "";
}

}  // namespace

int64_t step_flops(const Plan& plan, const Step& step, bool backward) {
  if (!backward) return step.flops();
  const std::string op = step.op();
  if (op == "first_block") return step.flops() / 4;
  if (const auto* head = dynamic_cast<const HeadStep*>(&step)) return head->backward_flops();
  if (op != "conv2d" && op != "dense") return step.flops();
  return step.flops() * (plan.table[step.uses().reads.front()].needs_grad ? 2 : 1);
}

int64_t step_bytes(const Plan& plan, const Step& step, bool backward) {
  const auto bytes = [&](TensorId id) { return int64_t(plan.table.bytes(id, plan.options.batch)); };
  const StepUses uses = step.uses();
  int64_t sum = 0;
  if (backward) {
    for (TensorId id : uses.keeps) sum += bytes(id);
    for (TensorId id : uses.writes)
      if (plan.table[id].role == TensorRole::activation) sum += bytes(id);  // its gradient, read
    for (TensorId id : uses.reads)  // written; that of a parameter is f32 whatever a step reads
      if (plan.table[id].role == TensorRole::parameter)
        sum += plan.table[id].shape.count() * int64_t(sizeof(float));
      else if (plan.table[id].needs_grad)
        sum += bytes(id);
  } else {
    for (TensorId id : uses.reads) sum += bytes(id);
    for (TensorId id : uses.writes) sum += bytes(id);
  }
  return sum;
}

std::vector<StepCost> step_costs(const Plan& plan) {
  const std::set<TensorId> kept = kept_tensors(plan);
  std::vector<StepCost> costs;
  std::set<int> again;
  for (const Action& a : plan.schedule)
    if (a.kind == ActionKind::again) again.insert(a.step);
  for (const auto& s : plan.steps) {
    const StepUses uses = s->uses();
    StepCost c;
    c.again = again.contains(int(costs.size()));
    c.layer = s->layer, c.op = s->op();
    c.output = plan.table[uses.writes.front()].shape;
    for (TensorId id : uses.writes)
      if (!c.again && kept.count(plan.table.root(id)))
        c.kept_bytes += int64_t(plan.table.bytes(id, plan.options.batch));
    for (const bool backward : {false, true}) {
      if (backward && !plan.options.training) continue;
      const int times = !backward && c.again ? 2 : 1;
      c.flops += times * step_flops(plan, *s, backward);
      c.moved_bytes += times * step_bytes(plan, *s, backward);
    }
    c.workspace_bytes = s->workspace_bytes(plan.options.batch);
    c.backend = backends_of(plan, *s);
    c.fused = fusion_of(plan, *s);
    costs.push_back(std::move(c));
  }
  return costs;
}

RecomputeCost recompute_cost(const Plan& plan) {
  double flops = 0, moved = 0, flops_again = 0, moved_again = 0;
  RecomputeCost cost;
  for (const Action& a : plan.schedule) {
    const Step& step = *plan.steps[size_t(a.step)];
    const bool again = a.kind == ActionKind::again, backward = a.kind == ActionKind::backward;
    (again ? flops_again : flops) += double(step_flops(plan, step, backward));
    (again ? moved_again : moved) += double(step_bytes(plan, step, backward));
    cost.steps += again;
  }
  if (cost.steps) cost.flops_share = flops_again / flops, cost.moved_share = moved_again / moved;
  return cost;
}

Plan compile_eager(const Graph& graph, const Library& library, const PlanOptions& options) {
  PlanOptions unfused = options;
  unfused.fuse = false, unfused.arena_limit = kNoArenaLimit;
  Plan plan = compile(graph, library, unfused);
  std::vector<TensorId> all(static_cast<size_t>(plan.table.size()));
  std::iota(all.begin(), all.end(), 0);
  plan.memory = plan_memory(plan.table, plan.steps, plan.schedule, options.batch, all);
  return plan;
}

}  // namespace gabor
