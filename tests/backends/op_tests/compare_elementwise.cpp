// Sum of branches, normalisation of pixels, dropout.
#include <fmt/format.h>

#include "backends/op_tests/inputs.h"
#include "backends/op_tests/op_comparison.h"
#include "backends/reference/formulas.h"
#include "ops/add.h"
#include "ops/dropout.h"
#include "ops/normalize.h"

namespace gabor::op_tests {
namespace {

void run_add(const Add& op, const AddProblem& p, Trial& trial, Data data, Judge& judge) {
  const Input a(trial, "a", {p.count}, data), b(trial, "b", {p.count}, plain(data));
  Guarded y = Guarded::output(trial, "y", {p.count}, trial.storage);
  GradOutput d(trial, "d", {p.count}, random_mode(trial), plain(data));
  Scratch scratch(trial);
  op.forward(scratch.context, p, a.view(), b.view(), y.out());
  op.accumulate(scratch.context, p, a.view(), d.tensor.out(), d.mode);
  judge.intact({&a.tensor, &b.tensor, &y, &d.tensor, &scratch.memory});
  // One rounding: there is but one right answer.
  std::vector<double> sum(a.wide.size()), want = d.start();
  for (size_t i = 0; i < sum.size(); i++) {
    sum[i] = float(a.wide[i] + b.wide[i]);
    want[i] = float(want[i] + a.wide[i]);
  }
  judge.exact("y", y, sum);
  judge.exact("d", d.tensor, want);
}

void run_normalize(const NormalizeOp& op, const NormalizeProblem& p, Trial& trial, Judge& judge) {
  std::vector<uint8_t> pixels(size_t(p.count));
  for (uint8_t& v : pixels) v = uint8_t(trial.below(256));
  const Guarded x = Guarded::input(trial, "x", pixels.data(), {p.count}, DType::u8);
  Guarded y = Guarded::output(trial, "y", {p.count}, trial.storage);
  Scratch scratch(trial);
  op.forward(scratch.context, p, x.in(), y.out());
  judge.intact({&x, &y, &scratch.memory});
  std::vector<double> want, budget;
  for (size_t i = 0; i < pixels.size(); i++) {
    const size_t c = i % size_t(p.C);
    const double product = pixels[i] * double(p.normalize.scale[c]), shift = p.normalize.shift[c];
    want.push_back(product + shift);
    budget.push_back(sum_budget(0, std::fabs(product) + std::fabs(shift)));
  }
  judge.within("y", y, want, budget);
}

void run_dropout(const Dropout& op, const DropoutProblem& p, Trial& trial, Data data, Judge& judge) {
  const StepValues values{.step = trial.below(1000), .first_chunk = trial.below(8)};
  const StepMemory step(trial, values);
  const Input x(trial, "x", {p.count}, data);
  Guarded y = Guarded::output(trial, "y", {p.count}, trial.storage);
  GradOutput dx(trial, "dx", {p.count}, random_mode(trial), data);
  Scratch scratch(trial);
  scratch.context.seed = trial.bits(), scratch.context.step = step.data();
  op.forward(scratch.context, p, x.view(), y.out());
  op.backward(scratch.context, p, x.view(), dx.tensor.out(), dx.mode);
  judge.intact({&x.tensor, &y, &dx.tensor, &scratch.memory});
  // A dropped element is 0 exactly (its budget is 0); in a kept one the scale and the product are rounded.
  std::vector<double> want(x.wide.size()), want_dx = dx.start(), budget(want.size()),
                                           budget_dx = dx.start_magnitude();
  reference::dropout_forward(p, dropout_key(scratch.context.seed, p, values), x.wide.data(), want.data());
  for (size_t i = 0; i < want.size(); i++) {
    budget[i] = gamma(3) * std::fabs(want[i]);
    want_dx[i] += want[i];
    budget_dx[i] = gamma(4) * (budget_dx[i] + std::fabs(want[i]));
  }
  judge.within("y", y, want, budget);
  judge.within("dx", dx.tensor, want_dx, budget_dx);
}

}  // namespace

OpReport OpComparison::add(int count) const {
  const Add& op = *backend_->ops().add;
  const auto draw = [&](Random& random, int64_t) -> Case {
    const AddProblem p{1 + random.below(1000)};
    return {fmt::format("count={}", p.count), op.supports(p),
            [&op, p](Trial& trial, Data data, Judge& judge) { run_add(op, p, trial, data, judge); }};
  };
  return sweep("add", count, kTries * count, draw, kAllData);
}

OpReport OpComparison::normalize(int count) const {
  const NormalizeOp& op = *backend_->ops().normalize;
  const auto draw = [&](Random& random, int64_t) -> Case {
    NormalizeProblem p;
    p.C = 1 + random.below(4);
    p.count = p.C * (1 + random.below(300));
    for (int64_t c = 0; c < p.C; c++) {
      p.normalize.scale[size_t(c)] = random.uniform(0.001f, 0.02f);
      p.normalize.shift[size_t(c)] = random.uniform(-2.0f, 2.0f);
    }
    return {fmt::format("count={} C={}", p.count, p.C), op.supports(p),
            [&op, p](Trial& trial, Data, Judge& judge) { run_normalize(op, p, trial, judge); }};
  };
  constexpr Data kinds[] = {Data::real};
  return sweep("normalize", count, kTries * count, draw, kinds);
}

OpReport OpComparison::dropout(int count) const {
  const Dropout& op = *backend_->ops().dropout;
  const auto draw = [&](Random& random, int64_t) -> Case {
    constexpr float rates[] = {0, 0.1f, 0.25f, 0.5f, 0.9f, 0.999f};
    const DropoutProblem p{1 + random.below(1000), rates[random.below(std::size(rates))], random.below(4)};
    return {fmt::format("count={} rate={}", p.count, p.rate), op.supports(p),
            [&op, p](Trial& trial, Data data, Judge& judge) { run_dropout(op, p, trial, data, judge); }};
  };
  constexpr Data kinds[] = {Data::real};
  return sweep("dropout", count, kTries * count, draw, kinds);
}

}  // namespace gabor::op_tests
