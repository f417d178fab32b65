// The cpu backend with one defect, as kernels have them.
#pragma once
#include <memory>

#include "ops/backend.h"

namespace gabor::testing {

enum class Defect {
  none,
  nan_y,               // conv2d fprop: y is NaN
  flipped_tap,         // conv2d fprop: the filter's first two columns are swapped
  last_channel_lost,   // conv2d fprop: the last input channel is not read
  remainder_not_zero,  // conv2d dgrad: rows behind the last stride, which no window reads, become 1
  zero_dw,             // conv2d wgrad: dw is 0
  dense_bias_lost,     // dense fprop
  block_zero_dw,       // first_block backward: dw is 0
};

std::shared_ptr<const Backend> broken_backend(Defect defect);  // its name is "broken"; no roofs

}  // namespace gabor::testing
