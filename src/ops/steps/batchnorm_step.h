#pragma once
#include "ops/batchnorm.h"
#include "ops/steps/fused_activation.h"

namespace gabor {

// Batch normalisation. In training it takes the statistics of the batch it is given, however many samples that has,
// and moves the running ones; otherwise it takes the running ones. An activation is a fusion, made by the plan.
class BatchNormStep final : public Step {
 public:
  // p.rows is for a batch of `batch` samples.
  BatchNormStep(const BatchNormProblem& p, int64_t batch, TensorId x, TensorId gamma, TensorId beta,
                TensorId running_mean, TensorId running_var, TensorId y)
      : p_(p),
        positions_(p.rows / batch),
        x_(x),
        gamma_(gamma),
        beta_(beta),
        running_mean_(running_mean),
        running_var_(running_var),
        y_(y) {}

  const char* op() const override { return "batchnorm"; }
  std::string problem() const override { return to_string(p_); }
  StepUses uses() const override;
  void choose(const Library&, TensorTable&, bool training, std::vector<ChoiceRecord>&) override;
  size_t workspace_bytes(int64_t batch) const override { return op_ ? op_->workspace_bytes(at(batch)) : 0; }
  int64_t flops() const override { return 8 * p_.rows * p_.C; }
  void forward(Run&) const override;
  void backward(Run&) const override;
  const BatchNormProblem& batchnorm() const { return p_; }
  TensorId x() const { return x_; }
  TensorId y() const { return y_; }
  void fuse(const Activation& activation, TensorId y) { p_.activation = activation, y_ = y; }
  void leave_activation_to_reader() { activation_.leave_to_reader(); }  // its backward

 private:
  BatchNormProblem at(int64_t batch) const;
  BatchNormProblem p_;
  int64_t positions_;  // rows of one sample
  TensorId x_, gamma_, beta_, running_mean_, running_var_, y_;
  TensorId mean_ = kNoTensor, rstd_ = kNoTensor;  // of the batch, for backward
  const BatchNorm* op_ = nullptr;
  FusedActivation activation_;
};

}  // namespace gabor
