// The ops of the cudnn backend, made once by backend.cpp. The session outlives them.
#pragma once
#include <memory>

#include "backends/cudnn/session.h"
#include "ops/activation.h"
#include "ops/batchnorm.h"
#include "ops/conv2d.h"
#include "ops/dense.h"
#include "ops/pool2d.h"
#include "ops/softmax.h"

namespace gabor::cudnn {

inline constexpr int kAlignment = 16;  // bytes, of tensors

std::unique_ptr<ActivationOp> make_activation(const Session& session);
std::unique_ptr<BatchNorm> make_batchnorm(const Session& session);
std::unique_ptr<Conv2d> make_conv2d(const Session& session, Device& device);
std::unique_ptr<Dense> make_dense(const Session& session);
std::unique_ptr<Pool2d> make_pool2d(const Session& session);
std::unique_ptr<Softmax> make_softmax(const Session& session);

}  // namespace gabor::cudnn
