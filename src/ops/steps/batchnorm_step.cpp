#include "ops/steps/batchnorm_step.h"

namespace gabor {

StepUses BatchNormStep::uses() const {
  StepUses u{{x_, gamma_, beta_, running_mean_, running_var_}, {y_}, {x_, gamma_}};
  if (activation_.runs(p_.activation)) u.keeps.push_back(y_);
  if (mean_ != kNoTensor) {
    u.writes.insert(u.writes.end(), {mean_, rstd_});
    u.keeps.insert(u.keeps.end(), {mean_, rstd_});
  }
  return u;
}

void BatchNormStep::choose(const Library& library, TensorTable& table, bool training,
                           std::vector<ChoiceRecord>& records) {
  ChoiceRecord r = record("");
  op_ = library.choose(
      &OpSet::batchnorm, [&](const BatchNorm& o) { return o.supports(p_); }, r, prefer);
  records.push_back(std::move(r));
  if (!training) return;
  if (activation_.runs(p_.activation))
    activation_.choose(library, {p_.rows * p_.C, p_.activation}, record("activation"), prefer, records);
  mean_ = table.add({layer + ".mean", p_.c_shape(), DType::f32, TensorRole::saved, false});
  rstd_ = table.add({layer + ".rstd", p_.c_shape(), DType::f32, TensorRole::saved, false});
}

BatchNormProblem BatchNormStep::at(int64_t batch) const {
  BatchNormProblem p = p_;
  p.rows = batch * positions_;
  return p;
}

void BatchNormStep::forward(Run& run) const {
  const BatchNormProblem p = at(run.batch);
  if (run.training)
    op_->forward_training(run.context, p, run.value(x_), run.value(gamma_), run.value(beta_), run.value(y_),
                          run.value(mean_), run.value(rstd_),
                          run.again ? TensorView{} : run.value(running_mean_),
                          run.again ? TensorView{} : run.value(running_var_));
  else
    op_->forward_inference(run.context, p, run.value(x_), run.value(gamma_), run.value(beta_),
                           run.value(running_mean_), run.value(running_var_), run.value(y_));
}

void BatchNormStep::backward(Run& run) const {
  activation_.backward(run, p_.activation, y_);
  const bool wanted = run.has_grad(x_);
  op_->backward(run.context, at(run.batch), run.value(x_), run.grad(y_), run.value(gamma_), run.value(mean_),
                run.value(rstd_), wanted ? run.grad(x_) : TensorView{},
                wanted ? run.claim(x_) : GradMode::overwrite, run.grad(gamma_), run.grad(beta_),
                run.claim(gamma_));
}

}  // namespace gabor
