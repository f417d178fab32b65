// The ops of the cuda backend, made once by backend.cpp. Each is stateless but for the GPU it was made for, and the
// counters, which outlive it.
#pragma once
#include <memory>
#include <optional>

#include "backends/cuda/counters.h"
#include "backends/cuda/runtime.h"
#include "kernels/conv2d/choose.h"
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
#include "ops/roofs.h"
#include "ops/softmax.h"

namespace gabor::cuda {

std::unique_ptr<ActivationOp> make_activation();
std::unique_ptr<Add> make_add();
std::unique_ptr<BatchNorm> make_batchnorm(const Gpu& gpu);
// By the rung that suits a problem, or by that one always (not by the one on tensor cores).
std::unique_ptr<Conv2d> make_conv2d(const Gpu& gpu, const Counters& counters,
                                    std::optional<kernels::conv2d::Conv2dRung> pinned = std::nullopt);
std::unique_ptr<Dense> make_dense(const Gpu& gpu, const Counters& counters);
// Both on tensor cores, with f32 rounded as math says (not fp32). What no such kernel is there for they do not support.
std::unique_ptr<Conv2d> make_rounding_conv2d(const Gpu& gpu, const Counters& counters, kernels::Math math);
std::unique_ptr<Dense> make_rounding_dense(const Gpu& gpu, const Counters& counters, kernels::Math math);
std::unique_ptr<Dropout> make_dropout();
std::unique_ptr<FirstBlock> make_first_block(const Gpu& gpu, const Counters& counters);
std::unique_ptr<Gather> make_gather();
std::unique_ptr<Head> make_head(const Counters& counters);
std::unique_ptr<Loss> make_loss(const Counters& counters);
std::unique_ptr<NormalizeOp> make_normalize();
std::unique_ptr<Optimizer> make_optimizer();
std::unique_ptr<Pool2d> make_pool2d();
std::unique_ptr<Roofs> make_roofs(const Gpu& gpu);
std::unique_ptr<Softmax> make_softmax();

}  // namespace gabor::cuda
