// A net that meets most kernels, and how far apart two loss curves are.
#pragma once
#include <algorithm>
#include <cmath>
#include <vector>

namespace gabor::testing {

// Fused first block, implicit GEMM, depthwise and grouped convolutions, all kinds of pooling, batch normalisation.
// No bias before the batch normalisation: its gradient is 0 but for roundings, which Adam would make a random walk of.
inline constexpr const char* kTinyNet = R"(
name = "tiny"
[[layer]]
type = "conv2d"
filters = 4
kernel = 3
padding = "same"
activation = "relu"
[[layer]]
type = "pool2d"
kind = "max"
[[layer]]
type = "conv2d"
name = "a"
filters = 8
kernel = 3
padding = "same"
activation = "relu"
[[layer]]
type = "conv2d"
filters = 8
kernel = 3
padding = "same"
groups = 8
bias = false
[[layer]]
type = "batchnorm"
name = "b"
[[layer]]
type = "add"
from = ["a", "b"]
[[layer]]
type = "pool2d"
kind = "average"
[[layer]]
type = "conv2d"
filters = 6
kernel = 2
groups = 2
activation = "silu"
[[layer]]
type = "dropout"
rate = 0.1
[[layer]]
type = "global_pool"
kind = "l2"
[[layer]]
type = "dense"
units = 5
activation = "tanh"
[[layer]]
type = "dense"
units = "classes"
activation = "softmax"
)";

// Its last layer's weights are so large that gradients, times the first loss scale, are beyond f16.
inline constexpr const char* kOverflowingNet = R"(
name = "overflowing"
[[layer]]
type = "conv2d"
filters = 4
kernel = 3
activation = "relu"
[[layer]]
type = "pool2d"
kind = "max"
[[layer]]
type = "flatten"
[[layer]]
type = "dense"
units = 6
init = "uniform"
init_scale = 0.01
[[layer]]
type = "dense"
units = "classes"
init = "uniform"
init_scale = 30
activation = "softmax"
)";

// LeNet-5, smaller.
inline constexpr const char* kHeadNet = R"(
name = "head"
[[layer]]
type = "conv2d"
filters = 4
kernel = 3
activation = "relu"
[[layer]]
type = "pool2d"
kind = "max"
[[layer]]
type = "conv2d"
filters = 6
kernel = 2
activation = "relu"
[[layer]]
type = "pool2d"
kind = "max"
[[layer]]
type = "flatten"
[[layer]]
type = "dense"
units = 20
activation = "relu"
[[layer]]
type = "dense"
units = 9
activation = "relu"
[[layer]]
type = "dense"
units = "classes"
activation = "softmax"
)";

// The largest difference between two curves of one length.
inline double distance(const std::vector<double>& a, const std::vector<double>& b) {
  double most = a.size() == b.size() ? 0 : INFINITY;
  for (size_t i = 0; i < std::min(a.size(), b.size()); i++) {
    const double d = std::fabs(a[i] - b[i]);
    most = d <= most ? most : d;  // a NaN stays
  }
  return most;
}

}  // namespace gabor::testing
