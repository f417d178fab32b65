// The separable triangle filter behind Resize::antialias. Each output pixel is the weighted mean of the
// source pixels within `support` of its centre, where support = max(1, source / target): bilinear when
// enlarging, antialiased when shrinking. Integer arithmetic (22-bit weights, 8-bit rows between the passes),
// so the same bytes on every CPU. Weights, roundings and the order (rows, then columns) are those of Pillow's
// BILINEAR, the field's reference; the code is our own. Recent Pillow filters columns first for some shapes,
// which moves some bytes by one.
#pragma once
#include <cstdint>
#include <vector>

#include "data/image.h"

namespace gabor {

// The taps of one axis: output i = sum over t < count[i] of source[first[i] + t] * weight[i * stride + t].
struct FilterTaps {
  static constexpr int kBits =
      22;  // weights are multiples of 2^-22: 8 + 22 bits leave room for the sum in an int32
  int stride = 0;
  std::vector<int> first, count;
  std::vector<int32_t> weight;
};
FilterTaps triangle_taps(int source, int target);

void resize_antialias(const Image& image, int height, int width, uint8_t* out);

}  // namespace gabor
