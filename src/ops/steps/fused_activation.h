#pragma once
#include "ops/activation.h"
#include "ops/step.h"

namespace gabor {

// The backward of an activation that a plan has fused into a step's forward. It turns dy into the gradient before the
// activation, in place: nobody reads dy after that step. The derivative has to come from y. Or the step that reads y goes
// back through the activation itself: then dy is that gradient already.
class FusedActivation {
 public:
  void leave_to_reader() { left_ = true; }
  bool runs(const Activation& activation) const { return activation.kind != ActivationKind::none && !left_; }
  // r: of the step, for "activation".
  void choose(const Library& library, const ActivationProblem& p, ChoiceRecord r, const std::string& prefer,
              std::vector<ChoiceRecord>& records) {
    op_ = library.choose(
        &OpSet::activation, [&](const ActivationOp& o) { return o.supports(p); }, r, prefer);
    records.push_back(std::move(r));
  }
  explicit operator bool() const { return op_ != nullptr; }
  void backward(Run& run, const Activation& activation, TensorId y) const {
    if (!op_) return;
    const TensorView dy = run.grad(y);
    op_->backward(run.context, {dy.count(), activation}, {}, run.value(y), dy, dy, GradMode::overwrite);
  }

 private:
  bool left_ = false;                 // to the reader of y
  const ActivationOp* op_ = nullptr;  // null: nothing is fused, or it is left
};

}  // namespace gabor
