#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "data/image.h"

namespace gabor {

// Borrowed pixels: height x width x channels (HWC), no padding, channels 1 or 3.
struct PixelView {
  uint8_t* pixels = nullptr;
  int height = 0, width = 0, channels = 3;

  size_t row_bytes() const { return size_t(width) * size_t(channels); }
  size_t bytes() const { return size_t(height) * row_bytes(); }
  uint8_t* row(int y) const { return pixels + size_t(y) * row_bytes(); }
};

inline void copy_to(const PixelView& from, Image& to) {
  to.reshape(from.height, from.width, from.channels);
  std::copy_n(from.pixels, from.bytes(), to.pixels.data());
}

// A factor or a share as operations take it: 65536 is 1.
constexpr int kFixedOne = 1 << 16;

}  // namespace gabor
