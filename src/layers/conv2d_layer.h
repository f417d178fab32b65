#pragma once
#include "layers/layer.h"

namespace gabor {

// type = "conv2d". filters (required), kernel = n or [R, S] (required), stride = 1, padding = "valid",
// dilation = 1, groups = 1, bias = true, activation = "none", alpha, init = "glorot_uniform", init_value,
// init_scale.
std::unique_ptr<Layer> make_conv2d_layer(const LayerSpec& spec, const std::string& source);

}  // namespace gabor
