// For comparisons: a backend whose pooling leaves the ReLU before it to others, and a net where that matters.
#pragma once
#include <memory>

#include "ops/backend.h"
#include "ops/pool2d.h"

namespace gabor::testing {

// Max pooling after a convolution with ReLU, of windows that overlap, and after batch normalisation with ReLU.
inline constexpr const char* kPooledNet = R"(
[[layer]]
type = "conv2d"
filters = 4
kernel = 3
padding = "same"
activation = "relu"
[[layer]]
type = "conv2d"
name = "a"
filters = 8
kernel = 3
padding = "same"
activation = "relu"
[[layer]]
type = "pool2d"
name = "p"
kind = "max"
size = 3
stride = 2
[[layer]]
type = "conv2d"
filters = 8
kernel = 3
padding = "same"
bias = false
[[layer]]
type = "batchnorm"
name = "b"
[[layer]]
type = "activation"
kind = "relu"
[[layer]]
type = "pool2d"
name = "q"
kind = "max"
[[layer]]
type = "flatten"
[[layer]]
type = "dense"
units = "classes"
activation = "softmax"
)";

class PlainPooling final : public Pool2d {
 public:
  explicit PlainPooling(const Pool2d& op) : op_(op) {}
  Support supports(const Pool2dProblem& p) const override {
    return p.relu ? Support::no("not through ReLU") : op_.supports(p);
  }
  size_t workspace_bytes(const Pool2dProblem& p) const override { return op_.workspace_bytes(p); }
  void forward(Context& c, const Pool2dProblem& p, ConstTensorView x, TensorView y,
               TensorView argmax) const override {
    op_.forward(c, p, x, y, argmax);
  }
  void backward(Context& c, const Pool2dProblem& p, ConstTensorView x, ConstTensorView y,
                ConstTensorView argmax, ConstTensorView dy, TensorView dx, GradMode mode) const override {
    op_.backward(c, p, x, y, argmax, dy, dx, mode);
  }

 private:
  const Pool2d& op_;
};

class WithPlainPooling final : public Backend {
 public:
  explicit WithPlainPooling(std::shared_ptr<const Backend> inner)
      : inner_(std::move(inner)), pool2d_(*inner_->ops().pool2d), ops_(inner_->ops()) {
    ops_.pool2d = &pool2d_;
  }
  std::string_view name() const override { return inner_->name(); }
  Device& device() const override { return inner_->device(); }
  const OpSet& ops() const override { return ops_; }
  Traits traits() const override { return inner_->traits(); }

 private:
  std::shared_ptr<const Backend> inner_;
  PlainPooling pool2d_;
  OpSet ops_;
};

}  // namespace gabor::testing
