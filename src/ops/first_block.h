#pragma once
#include "core/problem/first_block.h"
#include "ops/context.h"
#include "ops/support.h"

namespace gabor {

// Fused first block: see core/problem/first_block.h. It has no gradient with respect to x.
// x is of the problem's input type; w, y and dy are of Traits::storage; b, dw and db are f32.
class FirstBlock {
 public:
  virtual ~FirstBlock() = default;
  virtual Support supports(const FirstBlockProblem& p) const = 0;
  virtual size_t workspace_bytes(const FirstBlockProblem& p) const = 0;
  // Bytes a sample of the saved arg-max (a layout of the backend's own: forward and backward share the
  // backend).
  virtual size_t argmax_bytes(const FirstBlockProblem& p) const = 0;
  // y = maxpool(relu(conv(normalize(x), w) + b)), N,P,Q,K of the pool. argmax: u8, N * argmax_bytes, or empty
  // when no backward follows. b may be empty.
  virtual void forward(Context&, const FirstBlockProblem&, ConstTensorView x, ConstTensorView w,
                       ConstTensorView b, TensorView y, TensorView argmax) const = 0;
  virtual void backward(Context&, const FirstBlockProblem&, ConstTensorView x, ConstTensorView argmax,
                        ConstTensorView dy, TensorView dw, TensorView db, GradMode) const = 0;
};

}  // namespace gabor
