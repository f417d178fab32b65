#pragma once
#include "core/problem/first_block.h"
#include "core/tensor.h"
#include "ops/context.h"
#include "ops/support.h"

namespace gabor {

struct NormalizeProblem {
  int64_t count = 0;  // pixels times channels
  int64_t C = 3;      // channels, contiguous
  Normalize normalize;
};

// y = float(x) * scale[c] + shift[c]; x is u8, y is of Traits::storage, N,H,W,C. The way of a picture into the net; no
// gradient.
class NormalizeOp {
 public:
  virtual ~NormalizeOp() = default;
  virtual Support supports(const NormalizeProblem& p) const = 0;
  virtual void forward(Context&, const NormalizeProblem&, ConstTensorView x, TensorView y) const = 0;
};

}  // namespace gabor
