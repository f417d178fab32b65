#include "ops/steps/first_block_step.h"

namespace gabor {

StepUses FirstBlockStep::uses() const {
  StepUses u{{x_, w_}, {y_}, {}};
  if (b_ != kNoTensor) u.reads.push_back(b_);
  if (argmax_ != kNoTensor) u.writes.push_back(argmax_), u.keeps = {x_, argmax_};
  return u;
}

void FirstBlockStep::choose(const Library& library, TensorTable& table, bool training,
                            std::vector<ChoiceRecord>& records) {
  ChoiceRecord r = record("");
  op_ = library.choose(
      &OpSet::first_block, [&](const FirstBlock& o) { return o.supports(p_); }, r, prefer);
  records.push_back(std::move(r));
  if (training)
    argmax_ = table.add({layer + ".argmax", {int64_t(op_->argmax_bytes(p_))}, DType::u8, TensorRole::saved});
}

FirstBlockProblem FirstBlockStep::at(int64_t batch) const {
  FirstBlockProblem p = p_;
  p.conv.N = p.pool.N = batch;
  return p;
}

void FirstBlockStep::forward(Run& run) const {
  op_->forward(run.context, at(run.batch), run.value(x_), run.value(w_), run.value(b_), run.value(y_),
               run.value(argmax_));
}

void FirstBlockStep::backward(Run& run) const {
  op_->backward(run.context, at(run.batch), run.value(x_), run.value(argmax_), run.grad(y_), run.grad(w_),
                run.grad(b_), run.claim(w_));
}

}  // namespace gabor
