#pragma once
#include "layers/layer.h"

namespace gabor {

// type = "dense". units (required), bias = true, activation = "none" (or "softmax"), alpha, init, init_value,
// init_scale. A softmax over one unit is refused: it is constant 1, so its loss and gradient are 0 and
// nothing can be learnt (B05).
std::unique_ptr<Layer> make_dense_layer(const LayerSpec& spec, const std::string& source);

}  // namespace gabor
