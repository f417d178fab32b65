// Batch normalisation, per channel: Ioffe, Szegedy, "Batch Normalization: Accelerating Deep Network Training by
// Reducing Internal Covariate Shift", ICML 2015, algorithms 1 and 2. x, y, dx and dy are rows,C (channels last: rows =
// N*H*W of a map, N of vectors); gamma, beta, mean, rstd and the running statistics are C. Sums over r run over all
// rows.
//   mean[c] = sum over r of x[r,c] / rows
//   var[c]  = sum over r of (x[r,c] - mean[c])^2 / rows      (biased)
//   rstd[c] = 1 / sqrt(var[c] + epsilon)
//   xhat    = (x - mean) rstd
// Training:
//   y = gamma xhat + beta
//   running_mean = (1 - momentum) running_mean + momentum mean
//   running_var  = (1 - momentum) running_var  + momentum var rows / (rows - 1)     (unbiased, PyTorch's rule)
//   With rows = 1 there is no unbiased variance: running_var is then not touched, y = beta and dx = 0. (PyTorch refuses
//   such a batch, TensorFlow draws running_var towards 0; the last batch of an epoch may well have one sample.)
// Inference:
//   y = gamma (x - running_mean) / sqrt(running_var + epsilon) + beta
// With an activation f, y = f(that) in both; dy of backward is the gradient of what f was given.
// Backward of training:
//   dbeta = sum over r of dy;  dgamma = sum over r of dy xhat
//   dx    = gamma rstd (dy - dbeta / rows - xhat dgamma / rows)
// A NaN or an infinity in a channel makes that channel's statistics NaN (or infinite), so it is never hidden; other
// channels are not touched.
#pragma once
#include <cstdint>
#include <string>

#include "core/problem/activation.h"
#include "core/shape.h"

namespace gabor {

struct BatchNormProblem {
  int64_t rows = 1, C = 1;
  float epsilon = 1e-5f;
  float momentum = 0.1f;    // share of the batch in the running statistics (Keras calls 1 - momentum so)
  Activation activation{};  // epilogue of the forwards only, as in Conv2dProblem

  Shape x_shape() const { return {rows, C}; }
  Shape c_shape() const { return {C}; }
  // The unbiased variance as a multiple of the biased one; 0 with a single row: there is none.
  double unbiased() const { return rows > 1 ? double(rows) / double(rows - 1) : 0; }
  friend bool operator==(const BatchNormProblem&, const BatchNormProblem&) = default;

  // Throws Error{usage}: sizes below 1, epsilon not above 0, momentum outside 0..1.
  void check(const std::string& where) const;
};

std::string to_string(const BatchNormProblem& p);  // "rows=2048 C=32 epsilon=1e-05 momentum=0.1", " act=relu"

}  // namespace gabor
