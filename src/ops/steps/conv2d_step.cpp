#include "ops/steps/conv2d_step.h"

#include <algorithm>

#include "ops/activation.h"

namespace gabor {

StepUses Conv2dStep::uses() const {
  StepUses u{{x_, w_}, {y_}, {x_, w_}};
  if (b_ != kNoTensor) u.reads.push_back(b_);
  if (p_.activation.kind != ActivationKind::none) u.keeps.push_back(y_);
  return u;
}

void Conv2dStep::choose(const Library& library, TensorTable& table, bool training,
                        std::vector<ChoiceRecord>& records) {
  auto pick = [&](Pass pass) {
    ChoiceRecord r = record(name_of(pass));
    const Conv2d* chosen = library.choose(
        &OpSet::conv2d, [&](const Conv2d& c) { return c.supports(p_, pass); }, r, prefer);
    records.push_back(std::move(r));
    return chosen;
  };
  fprop_ = pick(Pass::fprop);
  if (!training) return;
  wgrad_ = pick(Pass::wgrad);
  dx_ = table[x_].needs_grad;
  if (dx_) dgrad_ = pick(Pass::dgrad);
  if (p_.activation.kind != ActivationKind::none) {
    const ActivationProblem a{p_.y_shape().count(), p_.activation};
    ChoiceRecord r = record("activation");
    activation_ = library.choose(
        &OpSet::activation, [&](const ActivationOp& o) { return o.supports(a); }, r, prefer);
    records.push_back(std::move(r));
  }
}

size_t Conv2dStep::workspace_bytes(int64_t batch) const {
  const Conv2dProblem p = at(batch);
  size_t n = fprop_ ? fprop_->workspace_bytes(p, Pass::fprop) : 0;
  if (dgrad_) n = std::max(n, dgrad_->workspace_bytes(p, Pass::dgrad));
  if (wgrad_) n = std::max(n, wgrad_->workspace_bytes(p, Pass::wgrad));
  return n;
}

Conv2dProblem Conv2dStep::at(int64_t batch) const {
  Conv2dProblem p = p_;
  p.N = batch;
  return p;
}

void Conv2dStep::forward(Run& run) const {
  fprop_->fprop(run.context, at(run.batch), run.value(x_), run.value(w_), run.value(b_), run.value(y_));
}

void Conv2dStep::backward(Run& run) const {
  const Conv2dProblem p = at(run.batch);
  const TensorView dy = run.grad(y_);
  if (activation_)
    activation_->backward(run.context, {dy.count(), p.activation}, {}, run.value(y_), dy, dy,
                          GradMode::overwrite);
  wgrad_->wgrad(run.context, p, run.value(x_), dy, run.grad(w_), run.grad(b_), run.claim(w_));
  if (dx_) dgrad_->dgrad(run.context, p, dy, run.value(w_), run.grad(x_), run.claim(x_));
}

}  // namespace gabor
