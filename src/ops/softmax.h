#pragma once
#include "core/tensor.h"
#include "ops/context.h"
#include "ops/support.h"

namespace gabor {

struct SoftmaxProblem {
  int64_t N = 1, K = 2;
};

// On tensors of Traits::storage. y[n,k] = exp(x[n,k] - m_n) / sum over j of exp(x[n,j] - m_n), m_n = max of row n (so that
// nothing overflows).
class Softmax {
 public:
  virtual ~Softmax() = default;
  virtual Support supports(const SoftmaxProblem& p) const = 0;
  virtual void forward(Context&, const SoftmaxProblem&, ConstTensorView x, TensorView y) const = 0;
  // dx (+)= y (dy - sum over j of dy y)
  virtual void backward(Context&, const SoftmaxProblem&, ConstTensorView y, ConstTensorView dy, TensorView dx,
                        GradMode) const = 0;
};

}  // namespace gabor
