#pragma once
#include <cstdint>

namespace gabor {

// Of all gradients of a net; in the device's memory, where the update reads it.
struct NormResult {
  float norm = 0;  // root of the sum of squares; infinite only if that is beyond float; NaN if nonfinite > 0
  int32_t nonfinite = 0;  // elements that are NaN or infinite
};

}  // namespace gabor
