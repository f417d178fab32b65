#pragma once
#include "ops/first_block.h"
#include "ops/step.h"

namespace gabor {

// A fusion, made by the plan out of normalize, conv2d, relu and max pooling.
class FirstBlockStep final : public Step {
 public:
  FirstBlockStep(const FirstBlockProblem& p, TensorId x, TensorId w, TensorId b, TensorId y)
      : p_(p), x_(x), w_(w), b_(b), y_(y) {}

  const char* op() const override { return "first_block"; }
  std::string problem() const override { return to_string(p_); }
  StepUses uses() const override;
  void choose(const Library&, TensorTable&, bool training, std::vector<ChoiceRecord>&) override;
  size_t workspace_bytes(int64_t batch) const override { return op_ ? op_->workspace_bytes(at(batch)) : 0; }
  int64_t flops() const override { return p_.conv.flops(); }
  void forward(Run&) const override;
  void backward(Run&) const override;
  const FirstBlockProblem& block() const { return p_; }
  TensorId x() const { return x_; }

 private:
  FirstBlockProblem at(int64_t batch) const;
  FirstBlockProblem p_;
  TensorId x_, w_, b_, y_, argmax_ = kNoTensor;
  const FirstBlock* op_ = nullptr;
};

}  // namespace gabor
