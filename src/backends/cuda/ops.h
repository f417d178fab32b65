// The ops of the cuda backend, made once by backend.cpp. Each is stateless but for the GPU it was made for, the type of its
// tensors (Traits::storage) and the counters, which outlive it.
#pragma once
#include <memory>
#include <optional>

#include "backends/cuda/counters.h"
#include "backends/cuda/runtime.h"
#include "kernels/conv2d/choose.h"
#include "ops/activation.h"
#include "ops/add.h"
#include "ops/batchnorm.h"
#include "ops/cast.h"
#include "ops/conv2d.h"
#include "ops/dense.h"
#include "ops/dropout.h"
#include "ops/first_block.h"
#include "ops/gather.h"
#include "ops/gradient_norm.h"
#include "ops/head.h"
#include "ops/loss.h"
#include "ops/normalize.h"
#include "ops/optimizer.h"
#include "ops/pool2d.h"
#include "ops/roofs.h"
#include "ops/softmax.h"

namespace gabor::cuda {

std::unique_ptr<ActivationOp> make_activation(kernels::Storage storage);
std::unique_ptr<Add> make_add(kernels::Storage storage);
std::unique_ptr<BatchNorm> make_batchnorm(const Gpu& gpu, kernels::Storage storage);
std::unique_ptr<Cast> make_cast();
// By the rung that suits a problem, or by that one always (not by the one on tensor cores).
std::unique_ptr<Conv2d> make_conv2d(const Gpu& gpu, const Counters& counters, kernels::Storage storage,
                                    std::optional<kernels::conv2d::Conv2dRung> pinned = std::nullopt);
std::unique_ptr<Dense> make_dense(const Gpu& gpu, const Counters& counters, kernels::Storage storage);
// Both on tensor cores, with f32 rounded to TF32. What no such kernel is there for they do not support.
std::unique_ptr<Conv2d> make_tf32_conv2d(const Gpu& gpu, const Counters& counters);
std::unique_ptr<Dense> make_tf32_dense(const Gpu& gpu, const Counters& counters);
std::unique_ptr<Dropout> make_dropout(kernels::Storage storage);
std::unique_ptr<FirstBlock> make_first_block(const Gpu& gpu, const Counters& counters,
                                             kernels::Storage storage);
std::unique_ptr<Gather> make_gather();
std::unique_ptr<GradientNorm> make_gradient_norm();
std::unique_ptr<Head> make_head(const Counters& counters);
std::unique_ptr<Loss> make_loss(const Counters& counters, kernels::Storage storage);
std::unique_ptr<NormalizeOp> make_normalize(kernels::Storage storage);
std::unique_ptr<Optimizer> make_optimizer();
std::unique_ptr<Pool2d> make_pool2d(kernels::Storage storage);
std::unique_ptr<Roofs> make_roofs(const Gpu& gpu);
std::unique_ptr<Softmax> make_softmax(kernels::Storage storage);

}  // namespace gabor::cuda
