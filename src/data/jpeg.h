// JPEG through libjpeg itself: OpenCV returns damaged files as good ones, libjpeg counts warnings.
#pragma once
#include <cstdint>
#include <span>
#include <string>

#include "data/image.h"

namespace gabor {

// Decodes into image, channels 1 or 3, without the EXIF orientation; exact integer DCT, smooth chroma
// upsampling. CMYK and YCCK (Adobe's inverted form too) become RGB. Throws Error{data} on any error or
// warning that touches pixels.
void decode_jpeg(std::span<const uint8_t> bytes, const std::string& name, int channels, Image& image);

std::string jpeg_version();  // of the library that gabor was built with

}  // namespace gabor
