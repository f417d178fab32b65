#include <fmt/format.h>

#include "backends/op_tests/inputs.h"
#include "backends/op_tests/op_comparison.h"
#include "backends/reference/formulas.h"
#include "ops/activation.h"

namespace gabor::op_tests {
namespace {

// Over the range where the functions bend, and sometimes far outside it.
std::vector<float> arguments(Trial& trial, const ActivationProblem& p, Data data) {
  std::vector<float> x = random_values(trial, p.count, data, trial.storage);
  const float scale = data == Data::integer ? 1.0f : trial.below(4) ? 8.0f : 100.0f;
  for (float& v : x) {
    if (std::fabs(v) <= 1) v *= scale;
    v = stored(v, trial.storage);  // which may be infinite
    // x f(x) has no value at -inf: 0 times infinity by formula, 0 as a limit.
    if (!derivative_from_output(p.activation.kind) && std::isinf(v)) v = 0;
  }
  return x;
}

void forward(const ActivationOp& op, const ActivationProblem& p, Trial& trial, Data data, Judge& judge) {
  const std::vector<float> values = arguments(trial, p, data);
  const Input x(trial, "x", {p.count}, values);
  const bool in_place = trial.below(2);
  Guarded y = in_place ? Guarded::in_out(trial, "y", values, {p.count}, trial.storage)
                       : Guarded::output(trial, "y", {p.count}, trial.storage);
  Scratch scratch(trial);
  op.forward(scratch.context, p, in_place ? y.in() : x.view(), y.out());
  judge.intact({&x.tensor, &y, &scratch.memory});
  std::vector<double> want(values.size()), budget(values.size());
  for (size_t i = 0; i < values.size(); i++) {
    want[i] = reference::activate(p.activation, x.wide[i]);
    budget[i] = activation_error(p.activation, x.wide[i]);
  }
  judge.within("y", y, want, budget);
}

void backward(const ActivationOp& op, const ActivationProblem& p, Trial& trial, Data data, Judge& judge) {
  const Input x(trial, "x", {p.count}, arguments(trial, p, data));
  std::vector<double> y_wide;
  for (double v : x.wide) y_wide.push_back(reference::activate(p.activation, v));
  const Input y(trial, "y", {p.count}, rounded(y_wide));
  const std::vector<float> values = random_values(trial, p.count, data, trial.storage);
  const Input dy(trial, "dy", {p.count}, values);
  const GradMode mode = random_mode(trial);
  const bool in_place = mode == GradMode::overwrite && trial.below(2);
  GradOutput dx(trial, "dx", {p.count}, mode, data);
  if (in_place) dx.tensor = Guarded::in_out(trial, "dx", values, {p.count}, trial.storage);
  // What the kind does not read is left out.
  const bool from_y = derivative_from_output(p.activation.kind);
  Scratch scratch(trial);
  op.backward(scratch.context, p, from_y ? ConstTensorView{} : x.view(),
              from_y ? y.view() : ConstTensorView{}, in_place ? dx.tensor.in() : dy.view(), dx.tensor.out(),
              mode);
  judge.intact({&x.tensor, &y.tensor, &dy.tensor, &dx.tensor, &scratch.memory});
  std::vector<double> want = dx.start(), budget = dx.start_magnitude();
  for (size_t i = 0; i < want.size(); i++) {
    const double slope = reference::activation_slope(p.activation, x.wide[i], y.wide[i]);
    const double d = dy.wide[i];
    want[i] += slope * d;
    budget[i] = sum_budget(0, budget[i] + std::fabs(slope * d)) +
                slope_error(p.activation, x.wide[i], y.wide[i]) * std::fabs(d);
  }
  judge.within("dx", dx.tensor, want, budget);
}

std::string text(const ActivationProblem& p) {
  return fmt::format("{} alpha={} count={}", name_of(p.activation.kind), p.activation.alpha, p.count);
}

}  // namespace

OpReport OpComparison::activation_forward(int count) const {
  const ActivationOp& op = *backend_->ops().activation;
  const auto draw = [&](Random& random, int64_t) -> Case {
    const ActivationProblem p{1 + random.below(1000), random_activation(random)};
    return {text(p), op.supports(p),
            [&op, p](Trial& trial, Data data, Judge& judge) { forward(op, p, trial, data, judge); }};
  };
  return sweep("activation forward", count, kTries * count, draw, kAllData);
}

OpReport OpComparison::activation_backward(int count) const {
  const ActivationOp& op = *backend_->ops().activation;
  const auto draw = [&](Random& random, int64_t) -> Case {
    const ActivationProblem p{1 + random.below(1000), random_activation(random)};
    return {text(p), op.supports(p),
            [&op, p](Trial& trial, Data data, Judge& judge) { backward(op, p, trial, data, judge); }};
  };
  constexpr Data kinds[] = {Data::real, Data::integer};
  return sweep("activation backward", count, kTries * count, draw, kinds);
}

}  // namespace gabor::op_tests
