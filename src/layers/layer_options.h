// Options that several layers share.
#pragma once
#include "core/problem/activation.h"
#include "core/problem/window.h"
#include "layers/initializer.h"
#include "layers/layer_spec.h"

namespace gabor {

// activation = "relu" | ... | "softmax" (where softmax is allowed), alpha for leaky_relu and elu.
struct ActivationOption {
  Activation activation;
  bool softmax = false;
};
ActivationOption read_activation(OptionReader& r, const std::string& key, const std::string& fallback,
                                 bool allow_softmax);

// init = "glorot_uniform" (default) | ..., init_scale for uniform and normal, init_value for constant.
Initializer read_initializer(OptionReader& r);

// padding = "valid" | "same" | n | [vertical, horizontal] | [top, bottom, left, right]
struct PaddingOption {
  bool same = false;
  Padding pad;
};
PaddingOption read_padding(OptionReader& r);
Padding resolve(const PaddingOption& p, int64_t H, int64_t W, int64_t R, int64_t S, int64_t stride_h,
                int64_t stride_w, int64_t dil_h = 1, int64_t dil_w = 1);

// "1 row and 2 columns unread", or "" (ARTICLE A14).
std::string unread_text(int64_t rows, int64_t columns);

}  // namespace gabor
