// A backend whose convolution is right but for what is done to its result: tests have to notice.
#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "core/stored_floats.h"
#include "ops/backend.h"
#include "ops/conv2d.h"

namespace gabor::testing {

using Spoil = std::function<void(std::vector<float>& result)>;

class SpoiledConv2d final : public Conv2d {
 public:
  SpoiledConv2d(const Conv2d& right, Spoil spoil) : right_(right), spoil_(std::move(spoil)) {}
  Support supports(const Conv2dProblem& p, Pass pass) const override { return right_.supports(p, pass); }
  size_t workspace_bytes(const Conv2dProblem& p, Pass pass) const override {
    return right_.workspace_bytes(p, pass);
  }
  void fprop(Context& context, const Conv2dProblem& p, ConstTensorView x, ConstTensorView w,
             ConstTensorView b, TensorView y) const override {
    right_.fprop(context, p, x, w, b, y);
    spoil(context.device, y);
  }
  void dgrad(Context& context, const Conv2dProblem& p, ConstTensorView dy, ConstTensorView w, TensorView dx,
             GradMode mode) const override {
    right_.dgrad(context, p, dy, w, dx, mode);
    spoil(context.device, dx);
  }
  void wgrad(Context& context, const Conv2dProblem& p, ConstTensorView x, ConstTensorView dy, TensorView dw,
             TensorView db, GradMode mode) const override {
    right_.wgrad(context, p, x, dy, dw, db, mode);
    spoil(context.device, dw);
  }

 private:
  void spoil(Device& device, TensorView t) const {
    std::vector<std::byte> bytes(t.bytes());
    std::vector<float> values(size_t(t.count()));
    device.copy_from(bytes.data(), t.data, bytes.size());
    load_floats(bytes.data(), t.dtype, values);
    spoil_(values);
    store_floats(values, t.dtype, bytes.data());
    device.copy_to(t.data, bytes.data(), bytes.size());
  }

  const Conv2d& right_;
  Spoil spoil_;
};

class SpoiledBackend final : public Backend {
 public:
  SpoiledBackend(std::shared_ptr<const Backend> right, Spoil spoil)
      : right_(std::move(right)), conv2d_(*right_->ops().conv2d, std::move(spoil)) {
    ops_.conv2d = &conv2d_;
  }
  std::string_view name() const override { return "spoiled"; }
  Device& device() const override { return right_->device(); }
  const OpSet& ops() const override { return ops_; }
  Traits traits() const override { return right_->traits(); }

 private:
  std::shared_ptr<const Backend> right_;
  SpoiledConv2d conv2d_;
  OpSet ops_;
};

}  // namespace gabor::testing
