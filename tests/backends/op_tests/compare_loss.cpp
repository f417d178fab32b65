// Softmax and the losses.
#include <fmt/format.h>

#include "backends/op_tests/inputs.h"
#include "backends/op_tests/op_comparison.h"
#include "backends/reference/formulas.h"
#include "ops/loss.h"
#include "ops/softmax.h"
#include "ops/softmax_budget.h"

namespace gabor::op_tests {
namespace {

std::vector<float> logits(Trial& trial, int64_t count, Data data) {
  std::vector<float> x = random_values(trial, count, data, trial.storage);
  const float scale = trial.below(3) ? 5.0f : 50.0f;
  if (data != Data::integer)
    for (float& v : x) v = std::fabs(v) <= 1 ? scale * v : v;
  return x;
}

void run_softmax(const Softmax& op, const SoftmaxProblem& p, Trial& trial, Data data, Judge& judge) {
  const Shape shape{p.N, p.K};
  const Input x(trial, "x", shape, logits(trial, p.N * p.K, data));
  Guarded y = Guarded::output(trial, "y", shape, trial.storage);
  Scratch scratch(trial);
  op.forward(scratch.context, p, x.view(), y.out());
  std::vector<double> want(x.wide.size());
  reference::softmax_forward(p, x.wide.data(), want.data());
  judge.intact({&x.tensor, &y, &scratch.memory});
  judge.within("y", y, want, softmax_budget(p, x.wide, want));
  if (data == Data::special) return;

  const Input given(trial, "y", shape, rounded(want)), dy(trial, "dy", shape, data);
  GradOutput dx(trial, "dx", shape, random_mode(trial), data);
  op.backward(scratch.context, p, given.view(), dy.view(), dx.tensor.out(), dx.mode);
  judge.intact({&given.tensor, &dy.tensor, &dx.tensor, &scratch.memory});
  std::vector<double> want_dx = dx.start(), budget = dx.start_magnitude();
  reference::softmax_backward(p, given.wide.data(), dy.wide.data(), want_dx.data(), GradMode::accumulate);
  for (int64_t n = 0; n < p.N; n++) {
    double dot = 0;
    for (int64_t k = n * p.K; k < (n + 1) * p.K; k++)
      dot += std::fabs(dy.wide[size_t(k)]) * given.wide[size_t(k)];
    for (int64_t k = n * p.K; k < (n + 1) * p.K; k++)
      budget[size_t(k)] = sum_budget(
          double(p.K) + 2, budget[size_t(k)] + given.wide[size_t(k)] * (std::fabs(dy.wide[size_t(k)]) + dot));
  }
  judge.within("dx", dx.tensor, want_dx, budget);
}

void run_loss(const Loss& op, const LossProblem& p, Trial& trial, Data data, Judge& judge) {
  const Input y(trial, "y", {p.N, p.K}, logits(trial, p.N * p.K, data));
  const std::vector<int32_t> labels = random_labels(trial, p);
  const Guarded label = Guarded::input(trial, "labels", labels.data(), p.labels_shape(), DType::i32);
  Guarded dy = Guarded::output(trial, "dy", {p.N, p.K}, trial.storage);
  Guarded loss = Guarded::output(trial, "loss", {1}, DType::f32),
          counts = Guarded::output(trial, "counts", {2}, DType::i32);
  const bool with_gradient = trial.below(4) != 0;
  const float scale = 1.0f / float(p.N);
  Scratch scratch(trial, op.workspace_bytes(p));
  op.run(scratch.context, p, y.view(), label.in(), scale, with_gradient ? dy.out() : TensorView{}, loss.out(),
         counts.out());
  judge.intact({&y.tensor, &label, &dy, &loss, &counts, &scratch.memory});
  std::vector<double> want_dy(y.wide.size()), want_loss(1);
  std::vector<int32_t> want_counts(2);
  reference::loss_run(p, y.wide.data(), labels.data(), scale, want_dy.data(), want_loss.data(),
                      want_counts.data());
  const LossBudget budget = loss_budget(p, y.wide, labels, scale);
  judge.exact("counts", counts.values<int32_t>(), want_counts);
  judge.within("loss", loss, want_loss, {&budget.loss, 1});
  if (with_gradient) judge.within("dy", dy, want_dy, budget.dy);
}

int64_t classes(Random& random) { return random.below(2) ? 1 + random.below(12) : 1 + random.below(130); }

}  // namespace

std::vector<int32_t> random_labels(Random& random, const LossProblem& p) {
  std::vector<int32_t> labels;
  for (int64_t n = 0; n < p.N; n++) {
    labels.push_back(random.below(8) ? int32_t(random.below(uint32_t(p.K))) : -1);
    if (!p.two_labels) continue;
    labels.push_back(int32_t(random.below(uint32_t(p.K))));
    labels.push_back(random.below(3) ? int32_t(random.below(65537)) : int32_t(random.below(3)) * 32768);
  }
  return labels;
}

OpReport OpComparison::softmax(int count) const {
  const Softmax& op = *backend_->ops().softmax;
  const auto draw = [&](Random& random, int64_t) -> Case {
    const SoftmaxProblem p{1 + random.below(33), classes(random)};
    return {fmt::format("N={} K={}", p.N, p.K), op.supports(p),
            [&op, p](Trial& trial, Data data, Judge& judge) { run_softmax(op, p, trial, data, judge); }};
  };
  return sweep("softmax", count, kTries * count, draw, kAllData);
}

OpReport OpComparison::loss(int count) const {
  const Loss& op = *backend_->ops().loss;
  const auto draw = [&](Random& random, int64_t) -> Case {
    LossProblem p{LossKind(random.below(2)), 1 + random.below(33), classes(random)};
    if (p.kind == LossKind::softmax_xent && random.below(3) == 0)
      p.label_smoothing = random.uniform(0.01f, 0.3f);
    p.two_labels = random.below(2);
    return {fmt::format("{} N={} K={} label_smoothing={} labels={}", name_of(p.kind), p.N, p.K,
                        p.label_smoothing, p.two_labels ? 2 : 1),
            op.supports(p),
            [&op, p](Trial& trial, Data data, Judge& judge) { run_loss(op, p, trial, data, judge); }};
  };
  return sweep("loss", count, kTries * count, draw, kAllData);
}

}  // namespace gabor::op_tests
