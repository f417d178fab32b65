#include "backends/reference/backend.h"

#include "backends/reference/op_list.h"
#include "ops/activation.h"
#include "ops/add.h"
#include "ops/batchnorm.h"
#include "ops/conv2d.h"
#include "ops/dense.h"
#include "ops/dropout.h"
#include "ops/first_block.h"
#include "ops/gather.h"
#include "ops/head.h"
#include "ops/loss.h"
#include "ops/normalize.h"
#include "ops/optimizer.h"
#include "ops/pool2d.h"
#include "ops/softmax.h"

namespace gabor {
namespace {

class ReferenceBackend final : public Backend {
 public:
  ReferenceBackend() {
    ops_.activation = activation_.get();
    ops_.add = add_.get();
    ops_.batchnorm = batchnorm_.get();
    ops_.conv2d = conv2d_.get();
    ops_.dense = dense_.get();
    ops_.dropout = dropout_.get();
    ops_.first_block = first_block_.get();
    ops_.gather = gather_.get();
    ops_.head = head_.get();
    ops_.loss = loss_.get();
    ops_.normalize = normalize_.get();
    ops_.optimizer = optimizer_.get();
    ops_.pool2d = pool2d_.get();
    ops_.softmax = softmax_.get();
  }
  std::string_view name() const override { return "reference"; }
  Traits traits() const override { return {.math = "fp64"}; }
  Device& device() const override { return host_device(); }
  const OpSet& ops() const override { return ops_; }

 private:
  std::unique_ptr<const ActivationOp> activation_ = reference::make_activation();
  std::unique_ptr<const Add> add_ = reference::make_add();
  std::unique_ptr<const BatchNorm> batchnorm_ = reference::make_batchnorm();
  std::unique_ptr<const Conv2d> conv2d_ = reference::make_conv2d();
  std::unique_ptr<const Dense> dense_ = reference::make_dense();
  std::unique_ptr<const Dropout> dropout_ = reference::make_dropout();
  std::unique_ptr<const FirstBlock> first_block_ = reference::make_first_block();
  std::unique_ptr<const Gather> gather_ = reference::make_gather();
  std::unique_ptr<const Head> head_ = reference::make_head();
  std::unique_ptr<const Loss> loss_ = reference::make_loss();
  std::unique_ptr<const NormalizeOp> normalize_ = reference::make_normalize();
  std::unique_ptr<const Optimizer> optimizer_ = reference::make_optimizer();
  std::unique_ptr<const Pool2d> pool2d_ = reference::make_pool2d();
  std::unique_ptr<const Softmax> softmax_ = reference::make_softmax();
  OpSet ops_;
};

}  // namespace

std::shared_ptr<const Backend> make_reference_backend() { return std::make_shared<ReferenceBackend>(); }

}  // namespace gabor
