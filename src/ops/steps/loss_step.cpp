#include "ops/steps/loss_step.h"

namespace gabor {

void LossStep::choose(const Library& library, TensorTable&, bool, std::vector<ChoiceRecord>& records) {
  ChoiceRecord r = record("");
  op_ = library.choose(
      &OpSet::loss, [&](const Loss& o) { return o.supports(p_); }, r, prefer);
  records.push_back(std::move(r));
}

LossProblem LossStep::at(int64_t batch) const {
  LossProblem p = p_;
  p.N = batch;
  return p;
}

void LossStep::forward(Run& run) const {
  if (run.has_grad(y_)) run.claim(y_);
  op_->run(run.context, at(run.batch), run.value(y_), run.value(labels_), run.loss_scale,
           run.training ? run.grad(y_) : TensorView{}, run.value(loss_), run.value(counts_));
}

}  // namespace gabor
