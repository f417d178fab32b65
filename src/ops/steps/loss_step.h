#pragma once
#include "ops/loss.h"
#include "ops/step.h"

namespace gabor {

// The end of a training or evaluation plan: forward writes the loss, the counts and, when training, dy of the
// outputs; backward has nothing left to do.
class LossStep final : public Step {
 public:
  LossStep(const LossProblem& p, TensorId y, TensorId labels, TensorId loss, TensorId counts)
      : p_(p), y_(y), labels_(labels), loss_(loss), counts_(counts) {}

  const char* op() const override { return name_of(p_.kind); }
  std::string problem() const override { return fmt::format("N={} K={}", p_.N, p_.K); }
  StepUses uses() const override { return {{y_, labels_}, {loss_, counts_}, {}}; }
  void choose(const Library&, TensorTable&, bool training, std::vector<ChoiceRecord>&) override;
  size_t workspace_bytes(int64_t batch) const override { return op_ ? op_->workspace_bytes(at(batch)) : 0; }
  void forward(Run&) const override;
  void backward(Run&) const override {}
  const LossProblem& loss() const { return p_; }
  TensorId y() const { return y_; }
  TensorId labels() const { return labels_; }
  TensorId sum() const { return loss_; }
  TensorId counts() const { return counts_; }

 private:
  LossProblem at(int64_t batch) const;
  LossProblem p_;
  TensorId y_, labels_, loss_, counts_;
  const Loss* op_ = nullptr;
};

}  // namespace gabor
