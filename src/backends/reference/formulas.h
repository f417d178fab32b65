// The formulas of the reference backend, as templates on the element type T: float for the backend, double
// for the tests (gradient checks by finite differences, error budgets of the other backends). All arithmetic
// is in double whatever T is; results are rounded once, when stored. Shapes, layouts and sources of the
// formulas are those of the contracts in ops/ and of core/problem/. Pointers named "may be null" stand for
// empty views.
#pragma once
#include <cstdint>
#include <span>

#include "core/philox.h"
#include "core/problem/activation.h"
#include "core/problem/batchnorm.h"
#include "core/problem/conv2d.h"
#include "core/problem/dense.h"
#include "core/problem/first_block.h"
#include "core/problem/pool2d.h"
#include "ops/dropout.h"
#include "ops/loss.h"
#include "ops/optimizer.h"
#include "ops/softmax.h"
#include "ops/support.h"

namespace gabor::reference {

// out (+)= value
template <class T>
void put(T& out, double value, GradMode mode) {
  out = T(mode == GradMode::accumulate ? double(out) + value : value);
}

// Iterations that are worth a thread of their own, for loops whose iterations cost `operations` each.
inline int64_t grain_of(int64_t operations) { return 1 + (int64_t{1} << 20) / (operations + 1); }

using gabor::activate;
// f'(x); x is not read when derivative_from_output(a.kind), y is not read otherwise. At the kink of relu,
// leaky_relu and elu (x = 0) the slope is that of the side below for relu, above for the others. A NaN counts
// as the upper side, so that it is not hidden.
double activation_slope(const Activation& a, double x, double y);

// b may be null.
template <class T>
void conv2d_fprop(const Conv2dProblem& p, const T* x, const T* w, const T* b, T* y);
template <class T>
void conv2d_dgrad(const Conv2dProblem& p, const T* dy, const T* w, T* dx, GradMode mode);
// db may be null.
template <class T>
void conv2d_wgrad(const Conv2dProblem& p, const T* x, const T* dy, T* dw, T* db, GradMode mode);

template <class T>
void dense_fprop(const DenseProblem& p, const T* x, const T* w, const T* b, T* y);
template <class T>
void dense_dgrad(const DenseProblem& p, const T* dy, const T* w, T* dx, GradMode mode);
template <class T>
void dense_wgrad(const DenseProblem& p, const T* x, const T* dy, T* dw, T* db, GradMode mode);

// argmax: y's shape, r*S + s of each winner; may be null, and is not touched unless the kind is max.
template <class T>
void pool2d_forward(const Pool2dProblem& p, const T* x, T* y, int32_t* argmax);
// max reads argmax, and y where p.relu; l2 reads x and y; what is not read may be null.
template <class T>
void pool2d_backward(const Pool2dProblem& p, const T* x, const T* y, const int32_t* argmax, const T* dy,
                     T* dx, GradMode mode);

// running_mean and running_var may be null, both.
template <class T>
void batchnorm_forward_training(const BatchNormProblem& p, const T* x, const T* gamma, const T* beta, T* y,
                                T* mean, T* rstd, T* running_mean, T* running_var);
template <class T>
void batchnorm_forward_inference(const BatchNormProblem& p, const T* x, const T* gamma, const T* beta,
                                 const T* running_mean, const T* running_var, T* y);
// dx may be null.
template <class T>
void batchnorm_backward(const BatchNormProblem& p, const T* x, const T* dy, const T* gamma, const T* mean,
                        const T* rstd, T* dx, GradMode mode, T* dgamma, T* dbeta, GradMode parameter_mode);

template <class T>
void softmax_forward(const SoftmaxProblem& p, const T* x, T* y);
template <class T>
void softmax_backward(const SoftmaxProblem& p, const T* y, const T* dy, T* dx, GradMode mode);

// dy may be null. loss and the two counts are overwritten.
template <class T>
void loss_run(const LossProblem& p, const T* y, const int32_t* labels, double scale, T* dy, T* loss,
              int32_t* counts);

template <class T>
void dropout_forward(const DropoutProblem& p, const RandomKey& key, const T* x, T* y);
template <class T>
void dropout_backward(const DropoutProblem& p, const RandomKey& key, const T* dy, T* dx, GradMode mode);

// m and v as far as p.moments() says, else null.
template <class T>
void optimizer_update(const OptimizerProblem& p, std::span<const ParameterSegment> segments, double lr,
                      int64_t t, T* params, const T* grads, T* m, T* v);

// One sample of the first block: x is the normalised image H,W,C; y and argmax (may be null) are the pooled
// map. argmax is r*S + s of the winner, or kDeadWinner where ReLU let nothing through.
constexpr uint8_t kDeadWinner = 255;
void first_block_forward(const FirstBlockProblem& p, const double* x, const double* w, const double* b,
                         double* y, uint8_t* argmax);
// Adds the sample's share to dw and to db (may be null).
void first_block_backward(const FirstBlockProblem& p, const double* x, const uint8_t* argmax,
                          const double* dy, double* dw, double* db);

}  // namespace gabor::reference
