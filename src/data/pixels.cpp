#include "data/pixels.h"

#include <algorithm>
#include <utility>

#include "core/error.h"

namespace gabor {
void set_channels(Image& image, int channels) {
  if (image.channels == channels) return;
  GABOR_CHECK((image.channels == 1 && channels == 3) || (image.channels == 3 && channels == 1));
  const size_t count = size_t(image.height) * size_t(image.width);
  if (channels == 1) {
    for (size_t i = 0; i < count; i++) {
      const uint8_t* p = &image.pixels[3 * i];
      image.pixels[i] = gray_of(p[0], p[1], p[2]);
    }
    image.reshape(image.height, image.width, 1);
  } else {
    image.reshape(image.height, image.width, 3);
    for (size_t i = count; i-- > 0;) {  // from the end: in place
      const uint8_t gray = image.pixels[i];
      image.pixels[3 * i] = image.pixels[3 * i + 1] = image.pixels[3 * i + 2] = gray;
    }
  }
}

void apply_orientation(Image& image, int orientation) {
  if (orientation <= 1 || orientation > 8) return;
  const bool transposed = orientation >= 5;
  Image out;
  out.reshape(transposed ? image.width : image.height, transposed ? image.height : image.width,
              image.channels);
  const bool mirror_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool mirror_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  const size_t channels = size_t(image.channels);
  for (int y = 0; y < out.height; y++) {
    uint8_t* to = out.row(y);
    for (int x = 0; x < out.width; x++, to += channels) {
      const int stored_x = transposed ? y : x, stored_y = transposed ? x : y;
      const int from_x = mirror_x ? image.width - 1 - stored_x : stored_x;
      const int from_y = mirror_y ? image.height - 1 - stored_y : stored_y;
      std::copy_n(image.row(from_y) + size_t(from_x) * channels, channels, to);
    }
  }
  image = std::move(out);
}

void flip_horizontal(uint8_t* pixels, int height, int width, int channels) {
  for (int y = 0; y < height; y++) {
    uint8_t* row = pixels + size_t(y) * size_t(width) * size_t(channels);
    for (int left = 0, right = width - 1; left < right; left++, right--)
      std::swap_ranges(row + left * channels, row + (left + 1) * channels, row + right * channels);
  }
}

}  // namespace gabor
