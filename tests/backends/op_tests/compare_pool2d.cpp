#include <algorithm>

#include "backends/op_tests/inputs.h"
#include "backends/op_tests/op_comparison.h"
#include "backends/reference/formulas.h"
#include "ops/pool2d.h"

namespace gabor::op_tests {
namespace {

std::vector<int32_t> widened_argmax(const Guarded& argmax, DType type) {
  if (type == DType::i32) {
    const auto v = argmax.values<int32_t>();
    return {v.begin(), v.end()};
  }
  const auto v = argmax.values<uint8_t>();
  return {v.begin(), v.end()};
}

std::vector<double> forward_budget(const Pool2dProblem& p, const std::vector<double>& x,
                                   const std::vector<double>& want) {
  std::vector<double> budget(want.size(), 0.0);
  const double n = double(p.R * p.S);
  if (p.kind == PoolKind::average) {
    reference::pool2d_forward(p, absolute(x).data(), budget.data(), nullptr);
    for (double& b : budget) b = sum_budget(n + 1, b);
  } else if (p.kind == PoolKind::l2) {
    for (size_t i = 0; i < want.size(); i++) {
      const double squares = want[i] * want[i];
      // Half of the relative error of the sum goes through the root; squares may underflow to 0.
      const double lost = n * FLT_MIN;
      budget[i] = sum_budget(n, squares) == std::numeric_limits<double>::infinity()
                      ? std::numeric_limits<double>::infinity()
                      : want[i] * (gamma(n + 2) + 2 * kU) + std::min(std::sqrt(lost), lost / want[i]);
    }
  }
  return budget;
}

void forward(const Pool2d& op, const Pool2dProblem& p, Trial& trial, Data data, Judge& judge) {
  Input x(trial, "x", p.x_shape(), data);
  Guarded y = Guarded::output(trial, "y", p.y_shape(), DType::f32);
  Guarded argmax = Guarded::output(trial, "argmax", p.y_shape(), p.argmax_dtype());
  const bool winners = p.kind == PoolKind::max && trial.below(4) != 0;
  Scratch scratch(trial, op.workspace_bytes(p));
  op.forward(scratch.context, p, x.view(), y.out(), winners ? argmax.out() : TensorView{});
  judge.intact({&x.tensor, &y, &argmax, &scratch.memory});

  std::vector<double> want(size_t(p.y_shape().count()));
  std::vector<int32_t> want_winners(want.size());
  reference::pool2d_forward(p, x.wide.data(), want.data(), want_winners.data());
  if (p.kind == PoolKind::max)
    judge.exact("y", y.values<float>(), want);
  else
    judge.within("y", y.values<float>(), want, forward_budget(p, x.wide, want));
  if (winners) judge.exact("argmax", widened_argmax(argmax, p.argmax_dtype()), want_winners);
}

void backward(const Pool2d& op, const Pool2dProblem& p, Trial& trial, Data data, Judge& judge) {
  Input x(trial, "x", p.x_shape(), data);
  std::vector<double> y_wide(size_t(p.y_shape().count()));
  std::vector<int32_t> winners(y_wide.size());
  reference::pool2d_forward(p, x.wide.data(), y_wide.data(), winners.data());
  Input y(trial, "y", p.y_shape(), rounded(y_wide)), dy(trial, "dy", p.y_shape(), data);
  const std::vector<uint8_t> narrow(winners.begin(), winners.end());
  const bool bytes = p.argmax_dtype() == DType::u8;
  const Guarded argmax =
      Guarded::input(trial, "argmax", bytes ? static_cast<const void*>(narrow.data()) : winners.data(),
                     p.y_shape(), p.argmax_dtype());
  GradOutput dx(trial, "dx", p.x_shape(), random_mode(trial), data);
  // What a kind does not read is sometimes left out.
  const bool bare = trial.below(2);
  const bool l2 = p.kind == PoolKind::l2, max = p.kind == PoolKind::max;
  Scratch scratch(trial, op.workspace_bytes(p));
  op.backward(scratch.context, p, l2 || !bare ? x.view() : ConstTensorView{},
              p.needs_y() || !bare ? y.view() : ConstTensorView{}, max ? argmax.in() : ConstTensorView{},
              dy.view(), dx.tensor.out(), dx.mode);
  judge.intact({&x.tensor, &y.tensor, &dy.tensor, &argmax, &dx.tensor, &scratch.memory});

  std::vector<double> want = dx.start(), magnitude = dx.start_magnitude();
  reference::pool2d_backward(p, x.wide.data(), y.wide.data(), winners.data(), dy.wide.data(), want.data(),
                             GradMode::accumulate);
  if (max && data == Data::integer) return judge.exact("dx", dx.tensor.values<float>(), want);
  reference::pool2d_backward(p, absolute(x.wide).data(), y.wide.data(), winners.data(),
                             absolute(dy.wide).data(), magnitude.data(), GradMode::accumulate);
  // Each of at most R*S terms has a product and a quotient before it is added.
  judge.within("dx", dx.tensor.values<float>(), want, sum_budgets(double(p.R * p.S) + 3, magnitude));
}

}  // namespace

OpReport OpComparison::pool2d_forward(int count) const {
  const Pool2d& op = *backend_->ops().pool2d;
  const auto draw = [&](Random& random, int64_t) -> Case {
    const Pool2dProblem p = random_pool2d(random);
    return {to_string(p), op.supports(p),
            [&op, p](Trial& trial, Data data, Judge& judge) { forward(op, p, trial, data, judge); }};
  };
  return sweep("pool2d forward", count, kTries * count, draw, kAllData);
}

OpReport OpComparison::pool2d_backward(int count) const {
  const Pool2d& op = *backend_->ops().pool2d;
  const auto draw = [&](Random& random, int64_t) -> Case {
    const Pool2dProblem p = random_pool2d(random);
    return {to_string(p), op.supports(p),
            [&op, p](Trial& trial, Data data, Judge& judge) { backward(op, p, trial, data, judge); }};
  };
  constexpr Data kinds[] = {Data::real, Data::integer};
  return sweep("pool2d backward", count, kTries * count, draw, kinds);
}

}  // namespace gabor::op_tests
