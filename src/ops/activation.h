#pragma once
#include "core/problem/activation.h"
#include "ops/context.h"
#include "ops/support.h"

namespace gabor {

// Element-wise activation: see core/problem/activation.h. Tensors are of Traits::storage, any shape of p.count elements.
class ActivationOp {
 public:
  virtual ~ActivationOp() = default;
  virtual Support supports(const ActivationProblem& p) const = 0;
  // y may be x.
  virtual void forward(Context&, const ActivationProblem&, ConstTensorView x, TensorView y) const = 0;
  // dx (+)= f'(x) dy. Reads y when derivative_from_output(kind), else x; the other may be empty.
  // dx may be dy (GradMode::overwrite only).
  virtual void backward(Context&, const ActivationProblem&, ConstTensorView x, ConstTensorView y,
                        ConstTensorView dy, TensorView dx, GradMode) const = 0;
};

}  // namespace gabor
