// The first block of a convolutional net as one op: uint8 or float image -> normalise -> convolution -> bias
// -> ReLU
// -> 2x2 max pooling. Only the pooled map and its packed arg-max are written; the full-size map never exists.
#pragma once
#include <array>
#include <cstdint>
#include <string>

#include "core/problem/conv2d.h"
#include "core/problem/pool2d.h"

namespace gabor {

// x as float = (u8 value) * scale[c] + shift[c]; identity for float input. At most 4 channels.
struct Normalize {
  std::array<float, 4> scale{1, 1, 1, 1}, shift{0, 0, 0, 0};
  friend bool operator==(const Normalize&, const Normalize&) = default;
};

struct FirstBlockProblem {
  Conv2dProblem conv;  // its activation must be relu
  Pool2dProblem pool;  // N,H,W,C equal conv's N,P,Q,K
  DType input = DType::u8;
  Normalize normalize;  // used when input is u8
  friend bool operator==(const FirstBlockProblem&, const FirstBlockProblem&) = default;
};

std::string to_string(const FirstBlockProblem& p);

}  // namespace gabor
