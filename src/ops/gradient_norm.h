#pragma once
#include "core/problem/gradient_norm.h"
#include "core/tensor.h"
#include "ops/context.h"
#include "ops/support.h"

namespace gabor {

// Norm of the flat gradients, and whether they are numbers, without the host waiting for it.
class GradientNorm {
 public:
  virtual ~GradientNorm() = default;
  virtual Support supports(int64_t count) const = 0;
  virtual size_t workspace_bytes(int64_t count) const = 0;
  // grads: f32, flat. *result, in the device's memory, is overwritten.
  virtual void run(Context&, ConstTensorView grads, NormResult* result) const = 0;
};

}  // namespace gabor
