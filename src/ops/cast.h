#pragma once
#include "core/tensor.h"
#include "ops/context.h"
#include "ops/support.h"

namespace gabor {

struct CastProblem {
  int64_t count = 0;
  DType to = DType::bf16;  // or f16
};

// From f32 to another type of the same values, rounded to nearest, ties to even; what is beyond f16 becomes infinite.
class Cast {
 public:
  virtual ~Cast() = default;
  virtual Support supports(const CastProblem& p) const = 0;
  // x: f32, flat. y: of type p.to, as long.
  virtual void run(Context&, const CastProblem&, ConstTensorView x, TensorView y) const = 0;
};

}  // namespace gabor
