#pragma once
#include "core/problem/pool2d.h"
#include "ops/context.h"
#include "ops/support.h"

namespace gabor {

// 2-D pooling: see core/problem/pool2d.h. Tensors are f32, NHWC.
class Pool2d {
 public:
  virtual ~Pool2d() = default;
  virtual Support supports(const Pool2dProblem& p) const = 0;
  virtual size_t workspace_bytes(const Pool2dProblem&) const { return 0; }
  // argmax: y's shape, p.argmax_dtype(), r*S + s of the winner; max only. May be empty when no backward
  // follows.
  virtual void forward(Context&, const Pool2dProblem&, ConstTensorView x, TensorView y,
                       TensorView argmax) const = 0;
  // max reads argmax, and y where p.relu; l2 reads x and y; average reads neither (what is not read may be empty).
  virtual void backward(Context&, const Pool2dProblem&, ConstTensorView x, ConstTensorView y,
                        ConstTensorView argmax, ConstTensorView dy, TensorView dx, GradMode) const = 0;
};

}  // namespace gabor
