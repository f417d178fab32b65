// Operations that change each pixel's values by rule, and sharpness. In place, on integers; every result is rounded
// and cut off at 0 and 255. Factors: 65536 is 1 and changes nothing, 0 is the other end: black, even gray, no colour,
// smooth. The definitions are those of Pillow's ImageEnhance and ImageOps, the field's reference; the code is our own.
#pragma once
#include "data/augment/pixel_view.h"

namespace gabor {

void adjust_brightness(const PixelView& picture, int factor);  // from black
void adjust_contrast(const PixelView& picture, int factor);    // from the picture's mean gray, rounded
void adjust_saturation(const PixelView& picture,
                       int factor);  // from each pixel's gray; nothing with one channel
// The three one after the other, in two passes over the picture.
void adjust_color(const PixelView& picture, int brightness, int contrast, int saturation);
// From a blend of each pixel with its eight neighbours, who count 1 to its own 5; border pixels stay.
void adjust_sharpness(const PixelView& picture, int factor, Image& scratch);

void posterize(const PixelView& picture, int bits);      // keeps the highest bits, 1..8
void solarize(const PixelView& picture, int threshold);  // inverts values from the threshold on, 0..256
void autocontrast(const PixelView& picture);             // each channel stretched to 0..255
void equalize(const PixelView& picture);                 // each channel's histogram made even

}  // namespace gabor
