// What an image file says about itself before its pixels: read by our own bounds-checked code.
#pragma once
#include <cstdint>
#include <span>
#include <string>

namespace gabor {

enum class ImageKind : uint8_t { jpeg, png, bmp, webp };

struct ImageHeader {
  ImageKind kind = ImageKind::jpeg;
  int64_t width = 0;  // as stored: before the EXIF orientation
  int64_t height = 0;
  int orientation = 1;  // EXIF 1..8; 1 = as stored
};

const char* name_of(ImageKind kind);

// Throws Error{data}, where = name, if the type is foreign or the header is not whole.
ImageHeader read_image_header(std::span<const uint8_t> bytes, const std::string& name);

// Walks the whole container and throws Error{data} if it is cut short or (PNG) a chunk's CRC-32 is wrong, so
// that the decoder, which would print to stderr, never sees such a file. Does nothing for JPEG: libjpeg
// reports its damage.
void check_container(std::span<const uint8_t> bytes, const ImageHeader& header, const std::string& name);

}  // namespace gabor
