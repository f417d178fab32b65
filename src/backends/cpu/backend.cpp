#include "backends/cpu/backend.h"

#include "backends/cpu/ops.h"
#include "core/parallel.h"

namespace gabor {
namespace {

// The backend's convolution, pinned to one of its two kernels.
class CpuConv2dVariant final : public Backend {
 public:
  CpuConv2dVariant(const char* name, cpu::Conv2dKernel kernel)
      : name_(name), conv2d_(cpu::make_conv2d(kernel)) {
    ops_.conv2d = conv2d_.get();
  }
  std::string_view name() const override { return name_; }
  Device& device() const override { return host_device(); }
  const OpSet& ops() const override { return ops_; }

 private:
  const char* name_;
  std::unique_ptr<Conv2d> conv2d_;
  OpSet ops_;
};

class CpuBackend final : public Backend {
 public:
  CpuBackend() {
    ops_.activation = activation_.get();
    ops_.add = add_.get();
    ops_.batchnorm = batchnorm_.get();
    ops_.conv2d = conv2d_.get();
    ops_.dense = dense_.get();
    ops_.dropout = dropout_.get();
    ops_.first_block = first_block_.get();
    ops_.gather = gather_.get();
    ops_.loss = loss_.get();
    ops_.normalize = normalize_.get();
    ops_.optimizer = optimizer_.get();
    ops_.pool2d = pool2d_.get();
    ops_.roofs = roofs_.get();
    ops_.softmax = softmax_.get();
  }
  std::string_view name() const override { return "cpu"; }
  Device& device() const override { return host_device(); }
  const OpSet& ops() const override { return ops_; }
  std::vector<std::shared_ptr<const Backend>> variants() const override {
    return {std::make_shared<CpuConv2dVariant>("cpu/direct", cpu::Conv2dKernel::direct),
            std::make_shared<CpuConv2dVariant>("cpu/onednn", cpu::Conv2dKernel::onednn)};
  }

 private:
  std::unique_ptr<ActivationOp> activation_ = cpu::make_activation();
  std::unique_ptr<Add> add_ = cpu::make_add();
  std::unique_ptr<BatchNorm> batchnorm_ = cpu::make_batchnorm();
  std::unique_ptr<Conv2d> conv2d_ = cpu::make_conv2d(cpu::Conv2dKernel::fastest);
  std::unique_ptr<Dense> dense_ = cpu::make_dense();
  std::unique_ptr<Dropout> dropout_ = cpu::make_dropout();
  std::unique_ptr<FirstBlock> first_block_ = cpu::make_first_block();
  std::unique_ptr<Gather> gather_ = cpu::make_gather();
  std::unique_ptr<Loss> loss_ = cpu::make_loss();
  std::unique_ptr<NormalizeOp> normalize_ = cpu::make_normalize();
  std::unique_ptr<Optimizer> optimizer_ = cpu::make_optimizer();
  std::unique_ptr<Pool2d> pool2d_ = cpu::make_pool2d();
  std::unique_ptr<Roofs> roofs_ = cpu::make_roofs();
  std::unique_ptr<Softmax> softmax_ = cpu::make_softmax();
  OpSet ops_;
};

}  // namespace

std::shared_ptr<const Backend> make_cpu_backend(int threads) {
  if (threads > 0) set_max_threads(threads);
  return std::make_shared<CpuBackend>();
}

}  // namespace gabor
