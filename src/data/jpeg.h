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
//
// libjpeg's scaled decoding (1/2, 1/4, 1/8 by a smaller DCT) is not used: even where the result is at least
// twice as large as the network's input, pixels at that input differ by up to 5 levels of 255 from those of
// the whole picture (43 photos to 64x64: median PSNR 54 dB), for a fifth off the decoding time.
void decode_jpeg(std::span<const uint8_t> bytes, const std::string& name, int channels, Image& image);

std::string jpeg_version();  // of the library that gabor was built with

}  // namespace gabor
