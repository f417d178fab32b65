#include "backends/cudnn/backend.h"

#include "backends/cudnn/ops.h"

namespace gabor {
namespace {

// A way to use cuDNN for the ops where it makes a difference.
struct Variant {
  const char* name;
  void (*set)(CudnnOptions&);
  bool dense;
};

const Variant kVariants[] = {
    {"cudnn/graph", [](CudnnOptions& o) { o.legacy = false; }, false},
    {"cudnn/legacy", [](CudnnOptions& o) { o.graph = false; }, false},
    {"cudnn/nchw", [](CudnnOptions& o) { o.nchw = true; }, false},
    {"cudnn/tf32", [](CudnnOptions& o) { o.allow_tf32 = true; }, true},
};

CudnnOptions with(const Variant& variant, CudnnOptions options) {
  variant.set(options);
  return options;
}

class CudnnBackend final : public Backend {
 public:
  CudnnBackend(Device& device, std::shared_ptr<const void> owner, const CudnnOptions& options,
               const Variant* variant)
      : owner_(std::move(owner)), device_(device), variant_(variant), session_(options) {
    ops_.conv2d = conv2d_.get();
    if (!variant || variant->dense) ops_.dense = dense_.get();
    if (variant) return;
    ops_.activation = activation_.get();
    ops_.batchnorm = batchnorm_.get();
    ops_.pool2d = pool2d_.get();
    ops_.softmax = softmax_.get();
  }
  std::string_view name() const override { return variant_ ? variant_->name : "cudnn"; }
  Device& device() const override { return device_; }
  const OpSet& ops() const override { return ops_; }
  Traits traits() const override {
    const CudnnOptions& o = session_.options();
    return {.math = o.allow_tf32 ? "tf32" : "fp32",
            .layout = o.nchw ? "NCHW" : "NHWC",
            .alignment = cudnn::kAlignment};
  }
  std::vector<std::shared_ptr<const Backend>> variants() const override {
    std::vector<std::shared_ptr<const Backend>> made;
    for (const Variant& v : kVariants)
      made.push_back(std::make_shared<CudnnBackend>(device_, owner_, with(v, session_.options()), &v));
    return made;
  }

 private:
  std::shared_ptr<const void> owner_;  // outlives what follows
  Device& device_;
  const Variant* variant_;  // null: the backend itself, with all ops
  cudnn::Session session_;
  std::unique_ptr<ActivationOp> activation_ = cudnn::make_activation(session_);
  std::unique_ptr<BatchNorm> batchnorm_ = cudnn::make_batchnorm(session_);
  std::unique_ptr<Conv2d> conv2d_ = cudnn::make_conv2d(session_, device_);
  std::unique_ptr<Dense> dense_ = cudnn::make_dense(session_);
  std::unique_ptr<Pool2d> pool2d_ = cudnn::make_pool2d(session_);
  std::unique_ptr<Softmax> softmax_ = cudnn::make_softmax(session_);
  OpSet ops_;
};

}  // namespace

std::shared_ptr<const Backend> make_cudnn_backend(Device& device, std::shared_ptr<const void> owner,
                                                  const CudnnOptions& options) {
  return std::make_shared<CudnnBackend>(device, std::move(owner), options, nullptr);
}

}  // namespace gabor
