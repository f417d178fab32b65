// Layers without parameters or geometry of their own.
#pragma once
#include "layers/layer.h"

namespace gabor {

std::unique_ptr<Layer> make_flatten_layer(const LayerSpec&,
                                          const std::string& source);  // HxWxC -> H*W*C, row-major (A04)
std::unique_ptr<Layer> make_activation_layer(
    const LayerSpec&, const std::string& source);  // kind (required), alpha; also "softmax"
std::unique_ptr<Layer> make_dropout_layer(const LayerSpec&,
                                          const std::string& source);  // rate (required), in [0,1)
std::unique_ptr<Layer> make_add_layer(const LayerSpec&,
                                      const std::string& source);  // sum of two branches: from = ["a", "b"]

}  // namespace gabor
