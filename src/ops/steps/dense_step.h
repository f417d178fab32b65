#pragma once
#include "ops/dense.h"
#include "ops/step.h"

namespace gabor {

class ActivationOp;

// y = act(x w^T + b); with an activation, backward works on dy in place, as in Conv2dStep.
class DenseStep final : public Step {
 public:
  DenseStep(const DenseProblem& p, TensorId x, TensorId w, TensorId b, TensorId y)
      : p_(p), x_(x), w_(w), b_(b), y_(y) {}

  const char* op() const override { return "dense"; }
  std::string problem() const override { return to_string(p_); }
  StepUses uses() const override;
  void choose(const Library&, TensorTable&, bool training, std::vector<ChoiceRecord>&) override;
  size_t workspace_bytes(int64_t batch) const override;
  int64_t flops() const override { return p_.flops(); }
  void forward(Run&) const override;
  void backward(Run&) const override;

  TensorId y() const { return y_; }
  const Activation& activation() const { return p_.activation; }
  void fuse(const Activation& activation, TensorId y) { p_.activation = activation, y_ = y; }

 private:
  DenseProblem at(int64_t batch) const;
  DenseProblem p_;
  TensorId x_, w_, b_, y_;
  bool dx_ = false;
  const Dense *fprop_ = nullptr, *dgrad_ = nullptr, *wgrad_ = nullptr;
  const ActivationOp* activation_ = nullptr;
};

}  // namespace gabor
