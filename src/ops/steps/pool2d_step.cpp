#include "ops/steps/pool2d_step.h"

namespace gabor {

StepUses Pool2dStep::uses() const {
  StepUses u{{x_}, {y_}, {}};
  if (argmax_ != kNoTensor) u.writes.push_back(argmax_), u.keeps.push_back(argmax_);
  if (p_.kind == PoolKind::l2) u.keeps.push_back(x_);
  if (p_.needs_y()) u.keeps.push_back(y_);
  return u;
}

void Pool2dStep::choose(const Library& library, TensorTable& table, bool training,
                        std::vector<ChoiceRecord>& records) {
  ChoiceRecord r = record("");
  op_ = library.choose(
      &OpSet::pool2d, [&](const Pool2d& o) { return o.supports(p_); }, r, prefer);
  records.push_back(std::move(r));
  if (training && p_.kind == PoolKind::max && table[x_].needs_grad)
    argmax_ = table.add({layer + ".argmax", p_.y_shape().drop_first(), p_.argmax_dtype(), TensorRole::saved});
}

Pool2dProblem Pool2dStep::at(int64_t batch) const {
  Pool2dProblem p = p_;
  p.N = batch;
  return p;
}

void Pool2dStep::forward(Run& run) const {
  op_->forward(run.context, at(run.batch), run.value(x_), run.value(y_), run.value(argmax_));
}

void Pool2dStep::backward(Run& run) const {
  if (!run.has_grad(x_)) return;
  op_->backward(run.context, at(run.batch), run.value(x_), run.value(y_), run.value(argmax_), run.grad(y_),
                run.grad(x_), run.claim(x_));
}

}  // namespace gabor
