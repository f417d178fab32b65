#pragma once
#include "ops/conv2d.h"
#include "ops/dense.h"
#include "ops/steps/fused_activation.h"

namespace gabor {

// y = act(op(x, w) + b), for the two ops that have weights. The activation is a fusion, made by the plan; backward goes
// through it first, in place, unless the op does it itself.
template <class Op, class Problem>
class WeightedStep final : public Step {
 public:
  WeightedStep(const Problem& p, TensorId x, TensorId w, TensorId b, TensorId y)
      : p_(p), x_(x), w_(w), b_(b), y_(y) {}

  const char* op() const override;
  std::string problem() const override { return to_string(p_); }
  StepUses uses() const override;
  void choose(const Library&, TensorTable&, bool training, std::vector<ChoiceRecord>&) override;
  size_t workspace_bytes(int64_t batch) const override;
  int64_t flops() const override { return p_.flops(); }
  void forward(Run&) const override;
  void backward(Run&) const override;

  // For the plan's fusions.
  const Problem& data() const { return p_; }
  TensorId x() const { return x_; }
  TensorId w() const { return w_; }
  TensorId b() const { return b_; }
  TensorId y() const { return y_; }
  void fuse(const Activation& activation, TensorId y) { p_.activation = activation, y_ = y; }
  void leave_activation_to_reader() { activation_.leave_to_reader(); }  // its backward

 private:
  Problem at(int64_t batch) const;
  Problem p_;
  TensorId x_, w_, b_, y_;
  bool dx_ = false;  // the gradient of x is wanted
  const Op *fprop_ = nullptr, *dgrad_ = nullptr, *wgrad_ = nullptr;
  FusedActivation activation_;
};

using Conv2dStep = WeightedStep<Conv2d, Conv2dProblem>;
using DenseStep = WeightedStep<Dense, DenseProblem>;

}  // namespace gabor
