#pragma once
#include "core/philox.h"
#include "core/tensor.h"
#include "ops/context.h"
#include "ops/support.h"

namespace gabor {

struct DropoutProblem {
  int64_t count = 0;
  float rate = 0.5f;   // probability that an element is dropped, in [0,1)
  uint32_t layer = 0;  // number of the layer in the net, below 2^kDropoutLayerBits: no two draw the same mask
  uint32_t chunk = 0;  // number of the chunk in this part of the batch: no two draw the same mask
};

// What is drawn, in the run of that seed.
inline RandomKey dropout_key(uint64_t seed, const DropoutProblem& p, const StepValues& values) {
  return {seed, Purpose::dropout, values.step,
          p.layer + ((values.first_chunk + p.chunk) << kDropoutLayerBits)};
}

// Inverted dropout, of tensors of Traits::storage: element i is kept when unit_float(key.block(i/4)[i%4]) >= rate, with the
// dropout_key of the context's seed and step values, and then scaled by 1/(1-rate). The mask is drawn again in backward, so
// nothing is saved.
class Dropout {
 public:
  virtual ~Dropout() = default;
  virtual Support supports(const DropoutProblem& p) const = 0;
  virtual void forward(Context&, const DropoutProblem&, ConstTensorView x, TensorView y) const = 0;
  virtual void backward(Context&, const DropoutProblem&, ConstTensorView dy, TensorView dx,
                        GradMode) const = 0;
};

}  // namespace gabor
