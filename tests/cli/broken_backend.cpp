#include "cli/broken_backend.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "backends/cpu/backend.h"
#include "ops/conv2d.h"
#include "ops/dense.h"
#include "ops/first_block.h"

namespace gabor::testing {
namespace {

std::vector<float> copy(ConstTensorView t) { return {t.as<float>(), t.as<float>() + t.count()}; }
void fill(TensorView t, float v) { std::fill_n(t.as<float>(), t.count(), v); }

class BrokenConv2d final : public Conv2d {
 public:
  BrokenConv2d(const Conv2d& right, Defect defect) : right_(right), defect_(defect) {}
  Support supports(const Conv2dProblem& p, Pass pass) const override { return right_.supports(p, pass); }
  size_t workspace_bytes(const Conv2dProblem& p, Pass pass) const override {
    return right_.workspace_bytes(p, pass);
  }
  std::string kernel(const Conv2dProblem&, Pass) const override { return "broken kernel"; }
  void fprop(Context& c, const Conv2dProblem& p, ConstTensorView x, ConstTensorView w, ConstTensorView b,
             TensorView y) const override {
    std::vector<float> changed = copy(w);
    const size_t channels = size_t(p.C / p.groups);
    for (size_t i = 0; i < changed.size(); i += size_t(p.S) * channels)
      if (defect_ == Defect::flipped_tap)
        std::swap_ranges(changed.begin() + long(i), changed.begin() + long(i + channels),
                         changed.begin() + long(i + channels));
    for (size_t i = channels - 1; i < changed.size(); i += channels)
      if (defect_ == Defect::last_channel_lost) changed[i] = 0;
    right_.fprop(c, p, x, {changed.data(), w.shape, w.dtype}, b, y);
    if (defect_ == Defect::nan_y) fill(y, std::numeric_limits<float>::quiet_NaN());
  }
  void dgrad(Context& c, const Conv2dProblem& p, ConstTensorView dy, ConstTensorView w, TensorView dx,
             GradMode mode) const override {
    right_.dgrad(c, p, dy, w, dx, mode);
    const int64_t read = (p.P() - 1) * p.stride_h + p.R - p.pad.top;  // rows that some window reads
    for (int64_t i = read * p.W * p.C; i < dx.count() && defect_ == Defect::remainder_not_zero; i++)
      if (i / (p.W * p.C) % p.H >= read) dx.as<float>()[i] = 1;
  }
  void wgrad(Context& c, const Conv2dProblem& p, ConstTensorView x, ConstTensorView dy, TensorView dw,
             TensorView db, GradMode mode) const override {
    right_.wgrad(c, p, x, dy, dw, db, mode);
    if (defect_ == Defect::zero_dw) fill(dw, 0);
  }

 private:
  const Conv2d& right_;
  Defect defect_;
};

class BrokenDense final : public Dense {
 public:
  explicit BrokenDense(const Dense& right) : right_(right) {}
  Support supports(const DenseProblem& p, Pass pass) const override { return right_.supports(p, pass); }
  size_t workspace_bytes(const DenseProblem& p, Pass pass) const override {
    return right_.workspace_bytes(p, pass);
  }
  void fprop(Context& c, const DenseProblem& p, ConstTensorView x, ConstTensorView w, ConstTensorView,
             TensorView y) const override {
    right_.fprop(c, p, x, w, {}, y);
  }
  void dgrad(Context& c, const DenseProblem& p, ConstTensorView dy, ConstTensorView w, TensorView dx,
             GradMode mode) const override {
    right_.dgrad(c, p, dy, w, dx, mode);
  }
  void wgrad(Context& c, const DenseProblem& p, ConstTensorView x, ConstTensorView dy, TensorView dw,
             TensorView db, GradMode mode) const override {
    right_.wgrad(c, p, x, dy, dw, db, mode);
  }

 private:
  const Dense& right_;
};

class BrokenFirstBlock final : public FirstBlock {
 public:
  explicit BrokenFirstBlock(const FirstBlock& right) : right_(right) {}
  Support supports(const FirstBlockProblem& p) const override { return right_.supports(p); }
  size_t workspace_bytes(const FirstBlockProblem& p) const override { return right_.workspace_bytes(p); }
  size_t argmax_bytes(const FirstBlockProblem& p) const override { return right_.argmax_bytes(p); }
  void forward(Context& c, const FirstBlockProblem& p, ConstTensorView x, ConstTensorView w,
               ConstTensorView b, TensorView y, TensorView argmax) const override {
    right_.forward(c, p, x, w, b, y, argmax);
  }
  void backward(Context& c, const FirstBlockProblem& p, ConstTensorView x, ConstTensorView argmax,
                ConstTensorView dy, TensorView dw, TensorView db, GradMode mode) const override {
    right_.backward(c, p, x, argmax, dy, dw, db, mode);
    fill(dw, 0);
  }

 private:
  const FirstBlock& right_;
};

class BrokenBackend final : public Backend {
 public:
  explicit BrokenBackend(Defect defect)
      : conv2d_(*cpu_->ops().conv2d, defect),
        dense_(*cpu_->ops().dense),
        first_block_(*cpu_->ops().first_block),
        ops_(cpu_->ops()) {
    ops_.conv2d = &conv2d_;
    if (defect == Defect::dense_bias_lost) ops_.dense = &dense_;
    // Without it convolutions are not fused, so that their defects are met.
    if (defect != Defect::none) ops_.first_block = nullptr;
    if (defect == Defect::block_zero_dw) ops_.first_block = &first_block_;
    ops_.roofs = nullptr;  // they take seconds to measure
  }
  std::string_view name() const override { return "broken"; }
  Device& device() const override { return cpu_->device(); }
  const OpSet& ops() const override { return ops_; }

 private:
  std::shared_ptr<const Backend> cpu_ = make_cpu_backend();
  BrokenConv2d conv2d_;
  BrokenDense dense_;
  BrokenFirstBlock first_block_;
  OpSet ops_;
};

}  // namespace

std::shared_ptr<const Backend> broken_backend(Defect defect) {
  return std::make_shared<BrokenBackend>(defect);
}

}  // namespace gabor::testing
