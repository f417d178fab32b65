#include "ops/steps/head_step.h"

namespace gabor {

StepUses HeadStep::uses() const {
  StepUses u{{t_.x}, {}, {t_.pooled == kNoTensor ? t_.x : t_.pooled}};
  for (const Layer& layer : t_.layers) {
    u.reads.push_back(layer.w);
    if (layer.b != kNoTensor) u.reads.push_back(layer.b);
    u.writes.insert(u.writes.begin(), layer.y);  // the last first: what comes out of the step
    u.keeps.push_back(layer.y);
  }
  u.reads.push_back(t_.labels);
  if (t_.pooled != kNoTensor) u.writes.push_back(t_.pooled);
  u.writes.insert(u.writes.end(), {t_.loss, t_.counts});
  return u;
}

void HeadStep::choose(const Library& library, TensorTable& table, bool training,
                      std::vector<ChoiceRecord>& records) {
  GABOR_CHECK(training);
  ChoiceRecord r = record("");
  op_ = library.choose(
      &OpSet::head, [&](const Head& o) { return o.supports(p_); }, r, prefer);
  records.push_back(std::move(r));
  dx_ = table[t_.x].needs_grad;
  if (t_.pooled != kNoTensor) table[t_.pooled].needs_grad = false;  // its gradient never leaves the op
}

int64_t HeadStep::flops() const {
  return 2 * p_.N * (2 * p_.weights() - (dx_ ? 0 : p_.layer(0).K * p_.layer(0).C));
}

HeadProblem HeadStep::at(int64_t batch) const {
  HeadProblem p = p_;
  p.N = batch;
  if (p.pool) p.pool->N = batch;
  for (DenseProblem& d : p.dense) d.N = batch;
  return p;
}

HeadTensors HeadStep::tensors(const Run& run) const {
  HeadTensors t;
  t.x = run.value(t_.x), t.dx = dx_ ? run.grad(t_.x) : TensorView{};
  t.labels = run.value(t_.labels), t.loss = run.value(t_.loss), t.counts = run.value(t_.counts);
  t.pooled = run.value(t_.pooled);
  for (size_t i = 0; i < t_.layers.size(); i++) {
    const Layer& layer = t_.layers[i];
    t.w[i] = run.value(layer.w), t.dw[i] = run.grad(layer.w);
    t.b[i] = run.value(layer.b), t.db[i] = run.grad(layer.b);
    t.y[i] = run.value(layer.y), t.dz[i] = run.grad(layer.y);
  }
  return t;
}

void HeadStep::forward(Run& run) const {
  // The last step's gradients come first: there is nothing yet to add to.
  const GradMode mode = dx_ ? run.claim(t_.x) : GradMode::overwrite;
  GABOR_CHECK(mode == GradMode::overwrite);
  op_->run(run.context, at(run.batch), tensors(run), run.loss_scale);
}

void HeadStep::backward(Run& run) const {
  op_->wgrad(run.context, at(run.batch), tensors(run), run.claim(t_.layers[0].w));
}

}  // namespace gabor
