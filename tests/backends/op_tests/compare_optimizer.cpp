#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "backends/op_tests/inputs.h"
#include "backends/op_tests/op_comparison.h"
#include "backends/reference/formulas.h"
#include "ops/optimizer.h"

namespace gabor::op_tests {
namespace {

// The float parameters as they are, in double.
struct Budgets {
  double w, m, v;
};

// One step's budgets, for a parameter that stood at w, m, v before it and has m1, v1 after it.
Budgets step_budgets(const OptimizerProblem& p, double lr, double wd, int64_t t, double w, double g, double m,
                     double v, double m1, double v1) {
  const double g_size = std::fabs(g) + (p.kind == OptimizerKind::adamw ? 0 : wd * std::fabs(w)),
               mu = p.momentum;
  if (p.kind == OptimizerKind::sgd) return {sum_budget(3, std::fabs(w) + lr * g_size), 0, 0};
  if (p.kind == OptimizerKind::momentum || p.kind == OptimizerKind::nesterov) {
    const double m_size = mu * std::fabs(m) + g_size;
    const double moved = p.kind == OptimizerKind::momentum ? m_size : g_size + mu * m_size;
    return {sum_budget(6, std::fabs(w) + lr * moved), sum_budget(4, m_size), 0};
  }
  const double b1 = p.beta1, b2 = p.beta2;
  const double m_error = sum_budget(5, b1 * std::fabs(m) + (1 - b1) * g_size);
  const double v_error = sum_budget(7, b2 * v + (1 - b2) * g_size * g_size);
  // w moves by c m / (root(v) + eps'); the corrections c and eps' are constants of the step that a backend
  // has to compute in double. How far may m and root(v) be off?
  const double correction2 = 1 - std::pow(b2, double(t)),
               c = std::sqrt(correction2) / (1 - std::pow(b1, double(t)));
  const double eps = double(p.epsilon) * std::sqrt(correction2);
  const double root = std::sqrt(v1), root_error = std::max(std::sqrt(v1 + v_error) - root,
                                                           root - std::sqrt(std::max(0.0, v1 - v_error)));
  const double least = std::max(root - root_error, 0.0) + eps;
  const double moved = lr * c * std::fabs(m1) / (root + eps);
  const double moved_error = lr * c * m_error / least + moved * (root_error / least + gamma(8));
  return {sum_budget(4, std::fabs(w) * (1 + lr * wd) + moved) + moved_error, m_error, v_error};
}

OptimizerProblem random_problem(Random& random) {
  OptimizerProblem p;
  p.kind = OptimizerKind(random.below(5));
  if (random.below(2)) p.weight_decay = random.uniform(0.0f, 0.1f);
  if (random.below(3) == 0) p.epsilon = 1e-8f;
  if (random.below(3) == 0) p.momentum = 0.5f, p.beta1 = 0.8f, p.beta2 = 0.99f;
  return p;
}

// A few segments with gaps between them: what lies in a gap is not to be touched.
std::vector<ParameterSegment> random_segments(Random& random, int64_t count) {
  std::vector<ParameterSegment> segments;
  for (int64_t offset = random.below(3); offset < count;) {
    const int64_t n = std::min<int64_t>(1 + random.below(500), count - offset);
    segments.push_back({offset, n, random.below(2) == 0});
    offset += n + random.below(20);
  }
  return segments;
}

void run_optimizer(const Optimizer& op, const OptimizerProblem& p, int64_t count, Trial& trial, Data data,
                   Judge& judge) {
  const Shape shape{count};
  const std::vector<ParameterSegment> segments = random_segments(trial, count);
  const std::vector<float> w0 = random_values(trial, count, Data::real),
                           m0 = random_values(trial, count, Data::real);
  std::vector<float> v0 = random_values(trial, count, Data::real),
                     g0 = random_values(trial, count, Data::real);
  const bool fresh = trial.below(3) == 0;  // the first step: no moments yet
  constexpr int64_t steps[] = {2, 3, 10, 1000, 1000000};
  const int64_t t = fresh ? 1 : steps[trial.below(std::size(steps))];
  std::vector<float> m_start = m0;
  for (size_t i = 0; i < v0.size(); i++) {
    v0[i] = fresh ? 0 : v0[i] * v0[i];
    if (fresh) m_start[i] = 0;
  }
  if (data == Data::special && count > 0)
    g0[trial.below(uint32_t(count))] = std::numeric_limits<float>::quiet_NaN();
  const float lr = trial.below(2) ? 0.001f : trial.uniform(0.0f, 0.5f);
  const float unscale = trial.below(2) ? 1.0f : std::ldexp(1.0f, -int(trial.below(25)));
  // Half of the updates know the norm of their gradients; of these each third has some that are no numbers.
  const NormResult norm{.norm = 1, .nonfinite = trial.below(3) == 0 ? int32_t(1 + trial.below(9)) : 0};
  const bool checked = trial.below(2) == 0, skipped = checked && norm.nonfinite > 0;
  Buffer norm_memory(trial.device, sizeof norm);
  trial.device.copy_to(norm_memory.data(), &norm, sizeof norm);
  for (float& v : g0) v /= unscale;  // exact

  const Input g(trial, "grads", shape, g0, DType::f32);
  Guarded w = Guarded::in_out(trial, "params", w0, shape, DType::f32);
  Guarded m = Guarded::in_out(trial, "m", m_start, shape, DType::f32);
  Guarded v = Guarded::in_out(trial, "v", v0, shape, DType::f32);
  Scratch scratch(trial);
  Guarded layout = Guarded::workspace(trial, op.layout_bytes(segments));
  op.write_layout(trial.device, segments, layout.out().data);
  UpdateValues values = update_values(p, lr, t);
  values.unscale = unscale;
  const StepMemory step(trial, {.update = values});
  scratch.context.step = step.data();
  op.update(scratch.context, p, segments, layout.in().data, w.out(), g.view(),
            p.moments() >= 1 ? m.out() : TensorView{}, p.moments() >= 2 ? v.out() : TensorView{},
            checked ? static_cast<const NormResult*>(norm_memory.data()) : nullptr);
  judge.intact({&g.tensor, &w, &m, &v, &scratch.memory});

  std::vector<double> want_w = widened(w0), want_m = widened(m_start), want_v = widened(v0);
  std::vector<double> budget_w(want_w.size()), budget_m(want_w.size()), budget_v(want_w.size());
  const std::span<const ParameterSegment> moved = skipped ? std::span<const ParameterSegment>{} : segments;
  reference::optimizer_update(p, moved, double(lr), t, double(unscale), want_w.data(), g.wide.data(),
                              p.moments() >= 1 ? want_m.data() : nullptr,
                              p.moments() >= 2 ? want_v.data() : nullptr);
  for (const ParameterSegment& s : moved)
    for (size_t i = size_t(s.offset); i < size_t(s.offset + s.count); i++) {
      const Budgets b = step_budgets(p, lr, s.decay ? double(p.weight_decay) : 0, t, w0[i],
                                     unscale * g.wide[i], m_start[i], v0[i], want_m[i], want_v[i]);
      budget_w[i] = b.w, budget_m[i] = b.m, budget_v[i] = b.v;
    }
  judge.within("params", w, want_w, budget_w);
  judge.within("m", m, want_m, budget_m);
  judge.within("v", v, want_v, budget_v);
}

}  // namespace

OpReport OpComparison::optimizer(int count) const {
  const Optimizer& op = *backend_->ops().optimizer;
  const auto draw = [&](Random& random, int64_t) -> Case {
    const OptimizerProblem p = random_problem(random);
    const int64_t parameters = 1 + random.below(2000);
    return {fmt::format("{} count={} weight_decay={} epsilon={}", name_of(p.kind), parameters, p.weight_decay,
                        p.epsilon),
            op.supports(p), [&op, p, parameters](Trial& trial, Data data, Judge& judge) {
              run_optimizer(op, p, parameters, trial, data, judge);
            }};
  };
  constexpr Data kinds[] = {Data::real, Data::special};
  return sweep("optimizer", count, kTries * count, draw, kinds);
}

}  // namespace gabor::op_tests
