#pragma once
#include "layers/layer.h"

namespace gabor {

// type = "batchnorm": per channel, over the samples and places of a batch (core/problem/batchnorm.h); of a map or of a
// vector. epsilon = 1e-5, momentum = 0.1 (the share of a batch in the running statistics, as in PyTorch; Keras' 0.99 is
// 0.01 here). Parameters gamma (begins as 1) and beta (0), neither decayed; running_mean and running_var are saved but
// not trained. A convolution before it may go without a bias: beta does its work. A picture that could not be read
// counts as a black one in the statistics of its batch.
std::unique_ptr<Layer> make_batchnorm_layer(const LayerSpec& spec, const std::string& source);

}  // namespace gabor
