#include "data/augment/geometry.h"

#include <algorithm>

#include "core/problem/gather.h"
#include "data/resize.h"

namespace gabor {
namespace {

constexpr uint8_t kBeyond = 128;

}  // namespace

void crop(const PixelView& picture, const Box& box, Image& scratch) {
  scratch.reshape(box.height, box.width, picture.channels);
  const auto channels = size_t(picture.channels);
  for (int y = 0; y < box.height; y++)
    std::copy_n(picture.row(box.top + y) + size_t(box.left) * channels, size_t(box.width) * channels,
                scratch.row(y));
  resize(scratch, picture.height, picture.width, Resize::antialias, picture.pixels);
}

void translate(const PixelView& picture, int dy, int dx, Image& scratch) {
  if (dy == 0 && dx == 0) return;
  copy_to(picture, scratch);
  const auto channels = size_t(picture.channels);
  const int width = picture.width;
  // Columns first .. last - 1 lie side by side in the source too; the others are reflected.
  const int first = std::clamp(dx, 0, width), last = std::clamp(width + dx, 0, width);
  for (int y = 0; y < picture.height; y++) {
    const uint8_t* from = scratch.row(reflected(y - dy, picture.height));
    uint8_t* to = picture.row(y);
    const auto copy_reflected = [&](int x) {
      std::copy_n(from + size_t(reflected(x - dx, width)) * channels, channels, to + size_t(x) * channels);
    };
    for (int x = 0; x < first; x++) copy_reflected(x);
    if (first < last)
      std::copy_n(from + size_t(first - dx) * channels, size_t(last - first) * channels,
                  to + size_t(first) * channels);
    for (int x = last; x < width; x++) copy_reflected(x);
  }
}

void transform(const PixelView& picture, const Affine& map, Image& scratch) {
  copy_to(picture, scratch);
  const auto channels = size_t(picture.channels);
  const int height = picture.height, width = picture.width;
  // In half pixels, since the centre may lie between two; rounded to the nearest when halved.
  const auto start = [](int64_t w, int64_t h, int along_w, int along_h, int size, int moved) {
    return along_w * w + along_h * h + int64_t{kFixedOne} * (size - 1 + 2 * moved) + kFixedOne;
  };
  for (int y = 0; y < height; y++) {
    const int64_t w = 1 - width, h = 2 * y + 1 - height;
    int64_t from_x = start(w, h, map.ww, map.wh, width, map.right);
    int64_t from_y = start(w, h, map.hw, map.hh, height, map.down);
    uint8_t* to = picture.row(y);
    for (int x = 0; x < width; x++, to += channels, from_x += 2 * map.ww, from_y += 2 * map.hw) {
      const int64_t source_x = from_x >> 17, source_y = from_y >> 17;
      if (source_x >= 0 && source_x < width && source_y >= 0 && source_y < height)
        std::copy_n(scratch.row(int(source_y)) + size_t(source_x) * channels, channels, to);
      else
        std::fill_n(to, channels, kBeyond);
    }
  }
}

}  // namespace gabor
