#include "ops/steps/loss_step.h"

namespace gabor {

void LossStep::choose(const Library& library, TensorTable&, bool, std::vector<ChoiceRecord>& records) {
  ChoiceRecord r = record("");
  op_ = library.choose(
      &OpSet::loss, [&](const Loss& o) { return o.supports(p_); }, r, prefer);
  records.push_back(std::move(r));
}

void LossStep::forward(Run& run) const {
  LossProblem p = p_;
  p.N = run.batch;
  if (run.has_grad(y_)) run.claim(y_);
  op_->run(run.context, p, run.value(y_), run.value(labels_), run.loss_scale,
           run.training ? run.grad(y_) : TensorView{}, run.value(loss_), run.value(counts_));
}

}  // namespace gabor
