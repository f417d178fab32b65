#pragma once
#include "core/tensor.h"
#include "ops/context.h"
#include "ops/support.h"

namespace gabor {

struct AddProblem {
  int64_t count = 0;
};

// Element-wise sum of two branches, of Traits::storage: y = a + b. Its backward is accumulate(): d (+)= dy, once for each
// branch.
class Add {
 public:
  virtual ~Add() = default;
  virtual Support supports(const AddProblem& p) const = 0;
  virtual void forward(Context&, const AddProblem&, ConstTensorView a, ConstTensorView b,
                       TensorView y) const = 0;
  virtual void accumulate(Context&, const AddProblem&, ConstTensorView dy, TensorView d, GradMode) const = 0;
};

}  // namespace gabor
