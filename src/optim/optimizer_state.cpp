#include "optim/optimizer_state.h"

namespace gabor {

OptimizerState::OptimizerState(const Library& library, const OptimizerProblem& problem,
                               std::vector<ParameterSegment> segments, int64_t elements)
    : problem_(problem), segments_(std::move(segments)), elements_(elements) {
  ChoiceRecord record;
  record.where = "optimizer", record.op = name_of(problem.kind),
  record.problem = fmt::format("{} parameters", elements);
  // Parameters are f32 whatever the steps' tensors are.
  op_ = library.in_precision("fp32").choose(
      &OpSet::optimizer, [&](const Optimizer& o) { return o.supports(problem); }, record);
  backend_ = record.backend;
  for (int i = 0; i < problem.moments(); i++) {
    moments_[i] = Buffer(library.device(), size_t(elements) * sizeof(float));
    library.device().zero(moments_[i].data(), moments_[i].bytes());
  }
  if (const size_t bytes = op_->layout_bytes(segments_)) {
    layout_ = Buffer(library.device(), bytes);
    op_->write_layout(library.device(), segments_, layout_.data());
  }
}

void OptimizerState::update(Context& context, TensorView params, ConstTensorView grads,
                            const NormResult* norm) {
  GABOR_CHECK(context.step != nullptr);
  op_->update(context, problem_, segments_, layout_.data(), params, grads, moment(0), moment(1), norm);
}

TensorView OptimizerState::moment(int i) const {
  if (i >= problem_.moments()) return {};
  return {moments_[i].data(), {elements_}, DType::f32};
}

}  // namespace gabor
