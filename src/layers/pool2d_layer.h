#pragma once
#include "layers/layer.h"

namespace gabor {

// type = "pool2d". kind = "max" | "average" | "l2" (required), size = 2, stride = size, padding = "valid",
// rounding = "floor" | "ceil" (Caffe).
std::unique_ptr<Layer> make_pool2d_layer(const LayerSpec& spec, const std::string& source);

// type = "global_pool". kind = "average" (default) | "max" | "l2": one value a channel; HxWxC becomes C.
std::unique_ptr<Layer> make_global_pool_layer(const LayerSpec& spec, const std::string& source);

}  // namespace gabor
