#pragma once
#include "core/philox.h"
#include "core/tensor.h"
#include "ops/context.h"
#include "ops/support.h"

namespace gabor {

struct DropoutProblem {
  int64_t count = 0;
  float rate = 0.5f;  // probability that an element is dropped, in [0,1)
};

// Inverted dropout: element i is kept when unit_float(key.block(i/4)[i%4]) >= rate, and then scaled by
// 1/(1-rate). The mask is drawn again in backward from the same key, so nothing is saved.
class Dropout {
 public:
  virtual ~Dropout() = default;
  virtual Support supports(const DropoutProblem& p) const = 0;
  virtual void forward(Context&, const DropoutProblem&, const RandomKey& key, ConstTensorView x,
                       TensorView y) const = 0;
  virtual void backward(Context&, const DropoutProblem&, const RandomKey& key, ConstTensorView dy,
                        TensorView dx, GradMode) const = 0;
};

}  // namespace gabor
