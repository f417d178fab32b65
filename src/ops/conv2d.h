#pragma once
#include "core/problem/conv2d.h"
#include "ops/context.h"
#include "ops/support.h"

namespace gabor {

// 2-D convolution: see core/problem/conv2d.h for formula and shapes. Tensors are f32, dense, NHWC / KRSC.
class Conv2d {
 public:
  virtual ~Conv2d() = default;
  virtual Support supports(const Conv2dProblem& p, Pass pass) const = 0;
  virtual size_t workspace_bytes(const Conv2dProblem& p, Pass pass) const = 0;
  // y = act(conv(x, w) + b); b may be empty.
  virtual void fprop(Context&, const Conv2dProblem&, ConstTensorView x, ConstTensorView w, ConstTensorView b,
                     TensorView y) const = 0;
  // dx (+)= the transpose of the convolution applied to dy, the gradient before the activation.
  virtual void dgrad(Context&, const Conv2dProblem&, ConstTensorView dy, ConstTensorView w, TensorView dx,
                     GradMode) const = 0;
  // dw (+)= sum over n,p,q of dy x; db (+)= sum of dy, when db is not empty.
  virtual void wgrad(Context&, const Conv2dProblem&, ConstTensorView x, ConstTensorView dy, TensorView dw,
                     TensorView db, GradMode) const = 0;
};

}  // namespace gabor
