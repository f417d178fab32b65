#include "ops/steps/weighted_step.h"

#include <algorithm>

#include "ops/weighted_pass.h"

namespace gabor {
namespace {

// Whether the contract has both gradients as one call.
template <class Op>
constexpr bool kGradientsAtOnce = std::is_same_v<Op, Dense>;

}  // namespace

template <class Op, class Problem>
const char* WeightedStep<Op, Problem>::op() const {
  return WeightedOp<Op>::kName;
}

template <class Op, class Problem>
StepUses WeightedStep<Op, Problem>::uses() const {
  StepUses u{{x_, w_}, {y_}, {x_, w_}};
  if (b_ != kNoTensor) u.reads.push_back(b_);
  if (activation_.runs(p_.activation)) u.keeps.push_back(y_);
  return u;
}

template <class Op, class Problem>
void WeightedStep<Op, Problem>::choose(const Library& library, TensorTable& table, bool training,
                                       std::vector<ChoiceRecord>& records) {
  const auto pick = [&](Pass pass) {
    ChoiceRecord r = record(name_of(pass));
    const Op* chosen = library.choose(
        WeightedOp<Op>::kMember, [&](const Op& o) { return o.supports(p_, pass); }, r, prefer);
    records.push_back(std::move(r));
    return chosen;
  };
  fprop_ = pick(Pass::fprop);
  if (!training) return;
  wgrad_ = pick(Pass::wgrad);
  dx_ = table[x_].needs_grad;
  if (dx_) dgrad_ = pick(Pass::dgrad);
  if (activation_.runs(p_.activation))
    activation_.choose(library, {p_.y_shape().count(), p_.activation}, record("activation"), prefer, records);
}

template <class Op, class Problem>
size_t WeightedStep<Op, Problem>::workspace_bytes(int64_t batch) const {
  const Problem p = at(batch);
  size_t n = fprop_ ? fprop_->workspace_bytes(p, Pass::fprop) : 0;
  if (dgrad_) n = std::max(n, dgrad_->workspace_bytes(p, Pass::dgrad));
  if (wgrad_) n = std::max(n, wgrad_->workspace_bytes(p, Pass::wgrad));
  if constexpr (kGradientsAtOnce<Op>)
    if (dgrad_ && dgrad_ == wgrad_) n = std::max(n, dgrad_->backward_workspace_bytes(p));
  return n;
}

template <class Op, class Problem>
Problem WeightedStep<Op, Problem>::at(int64_t batch) const {
  Problem p = p_;
  p.N = batch;
  return p;
}

template <class Op, class Problem>
void WeightedStep<Op, Problem>::forward(Run& run) const {
  fprop_->fprop(run.context, at(run.batch), run.value(x_), run.value(w_), run.value(b_), run.value(y_));
}

template <class Op, class Problem>
void WeightedStep<Op, Problem>::backward(Run& run) const {
  const Problem p = at(run.batch);
  const TensorView dy = run.grad(y_);
  if constexpr (kGradientsAtOnce<Op>) {
    if (dgrad_ && dgrad_ == wgrad_) {
      const bool through = activation_ && dgrad_->through_activation(p);
      if (!through) activation_.backward(run, p.activation, y_);
      return dgrad_->backward(run.context, p, run.value(x_), run.value(w_),
                              through ? run.value(y_) : TensorView{}, dy, run.grad(x_), run.claim(x_),
                              run.grad(w_), run.grad(b_), run.claim(w_));
    }
  }
  activation_.backward(run, p.activation, y_);
  wgrad_->wgrad(run.context, p, run.value(x_), dy, run.grad(w_), run.grad(b_), run.claim(w_));
  if (dx_) dgrad_->dgrad(run.context, p, dy, run.value(w_), run.grad(x_), run.claim(x_));
}

template class WeightedStep<Conv2d, Conv2dProblem>;
template class WeightedStep<Dense, DenseProblem>;

}  // namespace gabor
