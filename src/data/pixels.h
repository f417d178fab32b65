// Small rearrangements of pixels.
#pragma once
#include "data/image.h"

namespace gabor {

// Gray to RGB (repeated) or RGB to gray (0.299 R + 0.587 G + 0.114 B, rounded); nothing when it is so
// already.
void set_channels(Image& image, int channels);

// Turns the picture upright: orientation is EXIF's 1..8 (1 = nothing to do; 6 = turn clockwise by a quarter).
void apply_orientation(Image& image, int orientation);

// Mirrors left and right, in place. pixels: height x width x channels.
void flip_horizontal(uint8_t* pixels, int height, int width, int channels);

}  // namespace gabor
