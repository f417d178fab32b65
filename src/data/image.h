// data: from files to batches of uint8 pixels. It knows core/ and device/ only; OpenCV and libjpeg stay
// within its .cpp files. Everything here is an RGB or gray picture, 8 bits a channel, rows from the top.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace gabor {

// pixels: height x width x channels ("HWC"), row-major, no padding; channels 1 (gray) or 3 (R,G,B).
struct Image {
  int width = 0;
  int height = 0;
  int channels = 0;
  std::vector<uint8_t> pixels;

  // Keeps the capacity of pixels, so that one Image can serve for many loads without allocating.
  void reshape(int new_height, int new_width, int new_channels) {
    height = new_height, width = new_width, channels = new_channels;
    pixels.resize(size_t(height) * size_t(width) * size_t(channels));
  }
  uint8_t* row(int y) { return pixels.data() + size_t(y) * size_t(width) * size_t(channels); }
  const uint8_t* row(int y) const { return pixels.data() + size_t(y) * size_t(width) * size_t(channels); }
};

struct ImageSize {
  int height = 0;
  int width = 0;
  friend bool operator==(const ImageSize&, const ImageSize&) = default;
};

}  // namespace gabor
