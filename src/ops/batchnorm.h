#pragma once
#include "core/problem/batchnorm.h"
#include "core/tensor.h"
#include "ops/context.h"
#include "ops/support.h"

namespace gabor {

// Batch normalisation: see core/problem/batchnorm.h for formulas and shapes. All tensors are dense: x, y, dx, dy of
// Traits::storage, the others f32. "y" is after the problem's activation, "dy" before it.
class BatchNorm {
 public:
  virtual ~BatchNorm() = default;
  virtual Support supports(const BatchNormProblem& p) const = 0;
  virtual size_t workspace_bytes(const BatchNormProblem& p) const = 0;  // of the neediest of the three calls
  // y from the batch's own statistics, which are left in mean and rstd for backward; the running statistics are
  // moved, unless both are empty. x and y may not overlap.
  virtual void forward_training(Context&, const BatchNormProblem&, ConstTensorView x, ConstTensorView gamma,
                                ConstTensorView beta, TensorView y, TensorView mean, TensorView rstd,
                                TensorView running_mean, TensorView running_var) const = 0;
  // y from the running statistics. y may be x.
  virtual void forward_inference(Context&, const BatchNormProblem&, ConstTensorView x, ConstTensorView gamma,
                                 ConstTensorView beta, ConstTensorView running_mean,
                                 ConstTensorView running_var, TensorView y) const = 0;
  // dgamma and dbeta (+)= by parameter_mode; dx (+)= by mode. dx may be empty (the first layer of a net). dx may be
  // dy (GradMode::overwrite only).
  virtual void backward(Context&, const BatchNormProblem&, ConstTensorView x, ConstTensorView dy,
                        ConstTensorView gamma, ConstTensorView mean, ConstTensorView rstd, TensorView dx,
                        GradMode mode, TensorView dgamma, TensorView dbeta,
                        GradMode parameter_mode) const = 0;
};

}  // namespace gabor
