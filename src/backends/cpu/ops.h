// The ops of the cpu backend, made once by backend.cpp. Each is stateless but for the plans it caches.
#pragma once
#include <memory>

#include "ops/activation.h"
#include "ops/add.h"
#include "ops/batchnorm.h"
#include "ops/conv2d.h"
#include "ops/dense.h"
#include "ops/dropout.h"
#include "ops/first_block.h"
#include "ops/gather.h"
#include "ops/loss.h"
#include "ops/normalize.h"
#include "ops/optimizer.h"
#include "ops/pool2d.h"
#include "ops/roofs.h"
#include "ops/softmax.h"

namespace gabor::cpu {

std::unique_ptr<ActivationOp> make_activation();
std::unique_ptr<Add> make_add();
std::unique_ptr<BatchNorm> make_batchnorm();
// Who computes a convolution: the faster one, as measured, or always the one that is named.
enum class Conv2dKernel : uint8_t { fastest, direct, onednn };
std::unique_ptr<Conv2d> make_conv2d(Conv2dKernel kernel);
std::unique_ptr<Dense> make_dense();
std::unique_ptr<Dropout> make_dropout();
std::unique_ptr<FirstBlock> make_first_block();
std::unique_ptr<Gather> make_gather();
std::unique_ptr<Loss> make_loss();
std::unique_ptr<NormalizeOp> make_normalize();
std::unique_ptr<Optimizer> make_optimizer();
std::unique_ptr<Pool2d> make_pool2d();
std::unique_ptr<Roofs> make_roofs();
std::unique_ptr<Softmax> make_softmax();

}  // namespace gabor::cpu
