#pragma once
#include "ops/pool2d.h"
#include "ops/step.h"

namespace gabor {

class Pool2dStep final : public Step {
 public:
  Pool2dStep(const Pool2dProblem& p, TensorId x, TensorId y) : p_(p), x_(x), y_(y) {}

  const char* op() const override { return "pool2d"; }
  std::string problem() const override { return to_string(p_); }
  StepUses uses() const override;
  void choose(const Library&, TensorTable&, bool training, std::vector<ChoiceRecord>&) override;
  size_t workspace_bytes(int64_t batch) const override { return op_ ? op_->workspace_bytes(at(batch)) : 0; }
  int64_t flops() const override { return p_.y_shape().count() * p_.R * p_.S; }
  void forward(Run&) const override;
  void backward(Run&) const override;

  // For the plan's fusions.
  const Pool2dProblem& pool() const { return p_; }
  TensorId x() const { return x_; }
  TensorId y() const { return y_; }
  void take_relu() { p_.relu = true; }  // of the step that writes x: backward goes through it

 private:
  Pool2dProblem at(int64_t batch) const;
  Pool2dProblem p_;
  TensorId x_, y_, argmax_ = kNoTensor;
  const Pool2d* op_ = nullptr;
};

}  // namespace gabor
