// Resizing to the input size of the network; the aspect ratio is not kept (ARTICLE B01).
#pragma once
#include <cstdint>
#include <string>

#include "data/image.h"

namespace gabor {

enum class Resize : uint8_t {
  antialias,  // triangle filter whose support grows with the ratio: Pillow's and torchvision's bilinear
  linear,     // cv::resize INTER_LINEAR, the article's: two taps whatever the ratio, so it aliases when
              // shrinking
  area,       // cv::resize INTER_AREA: mean of the covered pixels
};

const char* name_of(Resize filter);                // "antialias", "linear", "area"
Resize resize_from_name(const std::string& name);  // throws Error{usage}, with the names there are

// Writes height x width x image.channels bytes (HWC) to out, which must not overlap image. A picture that has
// the size already is copied. Error{usage} for sizes below 1.
void resize(const Image& image, int height, int width, Resize filter, uint8_t* out);

}  // namespace gabor
