// Resizing to the input size of the network; the aspect ratio is not kept (ARTICLE B01).
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "data/image.h"

namespace gabor {

enum class Resize : uint8_t {
  antialias,  // triangle filter whose support grows with the ratio: Pillow's and torchvision's bilinear
  linear,     // cv::resize INTER_LINEAR, the article's: two taps whatever the ratio, so it aliases when
              // shrinking
  area,       // cv::resize INTER_AREA: mean of the covered pixels
  fast,       // antialias, of JPEGs that were decoded at the size that decode_size() says
};

const char* name_of(Resize filter);                // "antialias", "linear", "area", "fast"
Resize resize_from_name(const std::string& name);  // throws Error{usage}, with the names there are

// The least size that decode() should give a picture to be resized with this filter: twice the target for `fast`;
// nullopt, its own, for all others. At twice the target, libjpeg's smaller pictures differ little from the whole
// ones once they are resized: of 1,700 photos, to 32x32, 64x64 and 96x96, half by 53 dB PSNR or more, none by less
// than 43 dB, and no byte by more than 10.
std::optional<ImageSize> decode_size(Resize filter, int height, int width);

// Writes height x width x image.channels bytes (HWC) to out, which must not overlap image. A picture that has
// the size already is copied. Error{usage} for sizes below 1.
void resize(const Image& image, int height, int width, Resize filter, uint8_t* out);

}  // namespace gabor
