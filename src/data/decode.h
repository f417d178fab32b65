// From the bytes of an image file to pixels. The type is told by the first bytes, never by the file's name.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "data/image.h"

namespace gabor {

// Checked on the file's header before any decoder runs, so that a small file cannot claim all memory.
struct DecodeLimits {
  int64_t max_pixels = 100'000'000;
  int max_side = 32768;  // pixels
  int64_t max_file_bytes = 256ll << 20;
};

// Decodes a JPEG, PNG, BMP or WebP file into image (its old contents are lost, its memory is used again).
// channels: 3 = RGB, 1 = gray (Y = 0.299 R + 0.587 G + 0.114 B). EXIF orientation is applied. Gray, palette
// and CMYK are converted; 16-bit values keep their high byte; alpha is laid over black. Throws Error{data},
// where = name, for a foreign type, a size over the limits, or damage of any kind: a JPEG that libjpeg would
// patch up with a warning (cut short, bit rot) is damaged here, since gray bands train nonsense.
// at_least: of a larger JPEG, a picture of half, a quarter or an eighth of the size will do, the smallest that is
// still that large (upright) and divides both sides; nullopt, and all other types: the whole picture.
void decode(std::span<const uint8_t> bytes, const std::string& name, int channels, const DecodeLimits& limits,
            Image& image, std::optional<ImageSize> at_least = std::nullopt);

// The libraries behind decode() and resize(), with their versions: others may give other pixels.
std::string decoder_versions();

inline Image decode(std::span<const uint8_t> bytes, const std::string& name, int channels,
                    const DecodeLimits& limits = {}) {
  Image image;
  decode(bytes, name, channels, limits, image);
  return image;
}

}  // namespace gabor
