#include "backends/cudnn/backend.h"

#include "backends/cudnn/ops.h"

namespace gabor {
namespace {

class CudnnBackend final : public Backend {
 public:
  CudnnBackend(Device& device, std::shared_ptr<const void> owner, const CudnnOptions& options)
      : owner_(std::move(owner)), device_(device), session_(options) {
    ops_.activation = activation_.get();
    ops_.batchnorm = batchnorm_.get();
    ops_.conv2d = conv2d_.get();
    ops_.dense = dense_.get();
    ops_.pool2d = pool2d_.get();
    ops_.softmax = softmax_.get();
  }
  std::string_view name() const override { return "cudnn"; }
  Device& device() const override { return device_; }
  const OpSet& ops() const override { return ops_; }

 private:
  std::shared_ptr<const void> owner_;  // outlives what follows
  Device& device_;
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
  return std::make_shared<CudnnBackend>(device, std::move(owner), options);
}

}  // namespace gabor
