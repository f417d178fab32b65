// JPEG through libjpeg itself: OpenCV returns damaged files as good ones, libjpeg counts warnings.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "data/image.h"

namespace gabor {

// Decodes into image, channels 1 or 3, without the EXIF orientation; exact integer DCT, smooth chroma
// upsampling. CMYK and YCCK (Adobe's inverted form too) become RGB. Throws Error{data} on any error or
// warning that touches pixels.
//
// at_least: libjpeg's scaled decoding may be used, which makes a picture of 1/2, 1/4 or 1/8 of the size by a
// smaller inverse DCT: the smallest of these that is still that large and divides both sides. (Else libjpeg rounds
// the size up, and the picture would be stretched by up to a pixel, which shows.) It is for those who ask, as pixels
// differ: see Resize::fast. libjpeg's other factors, n/8, are slower than the whole picture.
void decode_jpeg(std::span<const uint8_t> bytes, const std::string& name, int channels,
                 const std::optional<ImageSize>& at_least, Image& image);

std::string jpeg_version();  // of the library that gabor was built with

}  // namespace gabor
