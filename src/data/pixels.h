// Small rearrangements of pixels.
#pragma once
#include "data/image.h"

namespace gabor {

// 0.299 R + 0.587 G + 0.114 B, rounded. Weights of 16 bits that add up to 2^16, so white stays white.
inline uint8_t gray_of(uint32_t red, uint32_t green, uint32_t blue) {
  constexpr uint32_t kRed = 19595, kGreen = 38470, kBlue = 7471;
  static_assert(kRed + kGreen + kBlue == 1u << 16);
  return uint8_t((kRed * red + kGreen * green + kBlue * blue + (1u << 15)) >> 16);
}

// Gray to RGB (repeated) or RGB to gray (gray_of); nothing when it is so already.
void set_channels(Image& image, int channels);

// Turns the picture upright: orientation is EXIF's 1..8 (1 = nothing to do; 6 = turn clockwise by a quarter).
void apply_orientation(Image& image, int orientation);

// Mirrors left and right, in place. pixels: height x width x channels.
void flip_horizontal(uint8_t* pixels, int height, int width, int channels);

}  // namespace gabor
