#pragma once
#include "core/problem/conv2d.h"
#include "ops/context.h"
#include "ops/support.h"

namespace gabor {

// 2-D convolution: see core/problem/conv2d.h for formula and shapes. Tensors are dense, NHWC / KRSC,
// of Traits::storage; b, dw and db are f32.
class Conv2d {
 public:
  virtual ~Conv2d() = default;
  virtual Support supports(const Conv2dProblem& p, Pass pass) const = 0;
  virtual size_t workspace_bytes(const Conv2dProblem& p, Pass pass) const = 0;
  // Name of the kernel that runs p, for reports; "" when there is no more to say than the backend's name.
  virtual std::string kernel(const Conv2dProblem&, Pass) const { return ""; }
  // y = act(conv(x, w) + b); b may be empty.
  virtual void fprop(Context&, const Conv2dProblem&, ConstTensorView x, ConstTensorView w, ConstTensorView b,
                     TensorView y) const = 0;
  // dx (+)= the transpose of the convolution applied to dy, the gradient before the activation.
  virtual void dgrad(Context&, const Conv2dProblem&, ConstTensorView dy, ConstTensorView w, TensorView dx,
                     GradMode) const = 0;
  // dw (+)= sum over n,p,q of dy x; db (+)= sum of dy, when db is not empty. Padding may be multiplied like pixels of 0:
  // an infinite or NaN dy then makes NaN of elements of dw that it meets only there.
  virtual void wgrad(Context&, const Conv2dProblem&, ConstTensorView x, ConstTensorView dy, TensorView dw,
                     TensorView db, GradMode) const = 0;
};

}  // namespace gabor
