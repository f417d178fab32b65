#pragma once
#include <algorithm>

#include "core/error.h"
#include "core/problem/dense.h"
#include "ops/context.h"
#include "ops/support.h"

namespace gabor {

// Fully connected layer: see core/problem/dense.h. Tensors are of Traits::storage; b, dw and db are f32.
class Dense {
 public:
  virtual ~Dense() = default;
  virtual Support supports(const DenseProblem& p, Pass pass) const = 0;
  virtual size_t workspace_bytes(const DenseProblem& p, Pass pass) const = 0;
  // y = act(x w^T + b); b may be empty.
  virtual void fprop(Context&, const DenseProblem&, ConstTensorView x, ConstTensorView w, ConstTensorView b,
                     TensorView y) const = 0;
  // dx (+)= dy w
  virtual void dgrad(Context&, const DenseProblem&, ConstTensorView dy, ConstTensorView w, TensorView dx,
                     GradMode) const = 0;
  // dw (+)= dy^T x; db (+)= column sums of dy, when db is not empty.
  virtual void wgrad(Context&, const DenseProblem&, ConstTensorView x, ConstTensorView dy, TensorView dw,
                     TensorView db, GradMode) const = 0;

  // wgrad and dgrad of one layer, for backends that do both at less cost than one after the other. y: empty; or, where
  // through_activation says so, the output of p.activation, and dy the gradient after it.
  virtual bool through_activation(const DenseProblem&) const { return false; }
  virtual size_t backward_workspace_bytes(const DenseProblem& p) const {
    return std::max(workspace_bytes(p, Pass::dgrad), workspace_bytes(p, Pass::wgrad));
  }
  virtual void backward(Context& context, const DenseProblem& p, ConstTensorView x, ConstTensorView w,
                        ConstTensorView y, ConstTensorView dy, TensorView dx, GradMode dx_mode, TensorView dw,
                        TensorView db, GradMode dw_mode) const {
    GABOR_CHECK(!y);
    wgrad(context, p, x, dy, dw, db, dw_mode);
    dgrad(context, p, dy, w, dx, dx_mode);
  }
};

}  // namespace gabor
