#pragma once
#include "core/problem/head.h"
#include "core/tensor.h"
#include "ops/context.h"
#include "ops/support.h"

namespace gabor {

// The tensors of a head. With an array comes one a dense layer. f32 but for labels and counts; layouts are those of the ops
// that a head is made of (ops/pool2d.h, dense.h, loss.h).
struct HeadTensors {
  template <class View>
  using PerLayer = std::array<View, HeadProblem::kMostLayers>;

  ConstTensorView x;               // N,H,W,C of the pooling; without one N,C of the first layer
  PerLayer<ConstTensorView> w, b;  // K,C; K, which may be empty
  ConstTensorView labels;          // i32 N, or N,3
  TensorView pooled;               // N,P,Q,C of the pooling
  PerLayer<TensorView> y;          // N,K after the activation; of the last layer the logits
  PerLayer<TensorView> dz;         // N,K: the gradient of what the activation is taken of
  TensorView dx;                   // as x; empty: not wanted
  TensorView loss, counts;         // f32 {1}, i32 {2}
  PerLayer<TensorView> dw, db;     // as w, b; db may be empty
};

// See core/problem/head.h. Numbers are those of the ops one after the other: each tensor of HeadTensors is rounded to float,
// NaN and infinity go where they would go, labels that do not count or do not exist are treated as Loss does.
class Head {
 public:
  virtual ~Head() = default;
  virtual Support supports(const HeadProblem& p) const = 0;
  virtual size_t workspace_bytes(const HeadProblem& p) const = 0;  // of either call
  // Overwrites pooled, y, dz, dx, loss and counts; reads x, w, b, labels. scale: of all gradients, as in Loss::run.
  virtual void run(Context&, const HeadProblem&, const HeadTensors&, float scale) const = 0;
  // dw (+)= dz^T x, db (+)= column sums of dz, of each layer. Reads pooled (or x), y and dz as run has left them.
  virtual void wgrad(Context&, const HeadProblem&, const HeadTensors&, GradMode) const = 0;
};

}  // namespace gabor
