#include "data/augment/tone.h"

#include <algorithm>
#include <array>
#include <span>

#include "data/pixels.h"

namespace gabor {
namespace {

using Table = std::array<uint8_t, 256>;
using Histogram = std::array<int64_t, 256>;

uint8_t blend(int from, int to, int factor) {
  return uint8_t(std::clamp((from * (kFixedOne - factor) + to * factor + kFixedOne / 2) >> 16, 0, 255));
}

template <class Value>
Table table_of(Value&& value) {
  Table t;
  for (int v = 0; v < 256; v++) t[size_t(v)] = value(v);
  return t;
}

void look_up(const PixelView& picture, const Table& table) {
  for (uint8_t& v : std::span(picture.pixels, picture.bytes())) v = table[v];
}

// make: the table of one channel from its histogram.
template <class Make>
void look_up_by_channel(const PixelView& picture, Make&& make) {
  std::array<Histogram, 3> counts{};
  std::array<Table, 3> tables;
  const size_t bytes = picture.bytes(), channels = size_t(picture.channels);
  for (size_t i = 0; i < bytes; i += channels)
    for (size_t c = 0; c < channels; c++) counts[c][picture.pixels[i + c]]++;
  for (size_t c = 0; c < channels; c++) tables[c] = make(counts[c]);
  for (size_t i = 0; i < bytes; i += channels)
    for (size_t c = 0; c < channels; c++) picture.pixels[i + c] = tables[c][picture.pixels[i + c]];
}

// Of the picture after the table. Rounded.
int mean_gray(const PixelView& picture, const Table& table) {
  const int64_t count = int64_t{picture.height} * picture.width;
  const uint8_t* p = picture.pixels;
  int64_t sum = 0;
  if (picture.channels == 1)
    for (int64_t i = 0; i < count; i++) sum += table[p[i]];
  else
    for (int64_t i = 0; i < count; i++, p += 3) sum += gray_of(table[p[0]], table[p[1]], table[p[2]]);
  return int((sum + count / 2) / count);
}

Table brightness_table(int factor) {
  return table_of([&](int v) { return blend(0, v, factor); });
}

}  // namespace

void adjust_color(const PixelView& picture, int brightness, int contrast, int saturation) {
  const Table bright = brightness_table(brightness);
  const int mean = contrast == kFixedOne ? 0 : mean_gray(picture, bright);
  const Table table = table_of([&](int v) { return blend(mean, bright[size_t(v)], contrast); });
  if (picture.channels == 1 || saturation == kFixedOne) return look_up(picture, table);
  for (uint8_t *p = picture.pixels, *end = p + picture.bytes(); p != end; p += 3) {
    const int red = table[p[0]], green = table[p[1]], blue = table[p[2]], gray = gray_of(red, green, blue);
    p[0] = blend(gray, red, saturation);
    p[1] = blend(gray, green, saturation);
    p[2] = blend(gray, blue, saturation);
  }
}

void adjust_brightness(const PixelView& picture, int factor) { look_up(picture, brightness_table(factor)); }

void adjust_contrast(const PixelView& picture, int factor) {
  adjust_color(picture, kFixedOne, factor, kFixedOne);
}

void adjust_saturation(const PixelView& picture, int factor) {
  adjust_color(picture, kFixedOne, kFixedOne, factor);
}

void adjust_sharpness(const PixelView& picture, int factor, Image& scratch) {
  copy_to(picture, scratch);
  const size_t row = picture.row_bytes(), channels = size_t(picture.channels);
  for (int y = 1; y + 1 < picture.height; y++) {
    const uint8_t* from = scratch.row(y);
    uint8_t* to = picture.row(y);
    for (size_t i = channels; i + channels < row; i++) {
      const auto three = [&](const uint8_t* at) { return at[-ptrdiff_t(channels)] + at[0] + at[channels]; };
      const uint8_t* at = from + i;
      const int sum = three(at - row) + three(at) + three(at + row) + 4 * at[0];
      to[i] = blend((sum + 6) / 13, at[0], factor);
    }
  }
}

void posterize(const PixelView& picture, int bits) {
  look_up(picture, table_of([&](int v) { return uint8_t(v & (0xff << (8 - bits))); }));
}

void solarize(const PixelView& picture, int threshold) {
  look_up(picture, table_of([&](int v) { return uint8_t(v < threshold ? v : 255 - v); }));
}

void autocontrast(const PixelView& picture) {
  look_up_by_channel(picture, [](const Histogram& counts) {
    int low = 0, high = 255;
    while (counts[size_t(low)] == 0) low++;
    while (counts[size_t(high)] == 0) high--;
    const int range = high - low;
    return table_of([&](int v) {
      return uint8_t(range == 0 ? v : std::clamp(((v - low) * 255 + range / 2) / range, 0, 255));
    });
  });
}

void equalize(const PixelView& picture) {
  look_up_by_channel(picture, [&](const Histogram& counts) {
    int last = 255;
    while (counts[size_t(last)] == 0) last--;
    // Pixels a step of the result takes: all but those of the brightest value, which is 255 by itself.
    const int64_t step = (int64_t{picture.height} * picture.width - counts[size_t(last)]) / 255;
    int64_t below = step / 2;
    return table_of([&](int v) {
      if (step == 0) return uint8_t(v);
      const int64_t level = below / step;
      below += counts[size_t(v)];
      return uint8_t(std::min<int64_t>(level, 255));
    });
  });
}

}  // namespace gabor
