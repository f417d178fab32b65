// The one formula for the output extent of a sliding window, shared by convolution and pooling.
#pragma once
#include <cstdint>

namespace gabor {

// Positions of a window of `window` taps, `dilation` apart, over `extent` elements padded before and after.
//   floor: (extent + before + after - span) / stride + 1, span = (window - 1) * dilation + 1 (ARTICLE A26)
//   ceil:  rounds up, but the last window must start inside the data or the padding before it (Caffe's rule)
// 0 when the window does not fit.
constexpr int64_t window_positions(int64_t extent, int64_t window, int64_t before, int64_t after,
                                   int64_t stride, int64_t dilation = 1, bool ceil = false) {
  const int64_t span = (window - 1) * dilation + 1;
  const int64_t room = extent + before + after - span;
  if (room < 0) return 0;
  int64_t n = room / stride + 1;
  if (ceil && room % stride != 0 && n * stride < extent + before) n++;
  return n;
}

static_assert(window_positions(300, 5, 0, 0, 1) == 296);
static_assert(window_positions(6, 3, 0, 0, 2) == 2);  // 2.5 rounds down (A14)
static_assert(window_positions(6, 3, 1, 1, 1) == 6);
static_assert(window_positions(7, 3, 0, 0, 1, 2) == 3);   // dilation 2: span 5
static_assert(window_positions(11, 3, 0, 0, 3, 2) == 3);  // stride that does not divide
static_assert(window_positions(299, 2, 0, 0, 2) == 149 && window_positions(299, 2, 0, 0, 2, 1, true) == 150);
static_assert(window_positions(112, 3, 0, 0, 2) == 55 && window_positions(112, 3, 0, 0, 2, 1, true) == 56);
static_assert(window_positions(2, 3, 0, 0, 1) == 0);

// Elements at the end that no window reads ("1 row unread" in `gabor summary`); never negative.
constexpr int64_t unread(int64_t extent, int64_t window, int64_t before, int64_t stride, int64_t dilation,
                         int64_t positions) {
  const int64_t last = (positions - 1) * stride + (window - 1) * dilation;  // in padded coordinates
  const int64_t left = extent + before - 1 - last;
  return positions == 0 ? extent : (left > 0 ? (left < extent ? left : extent) : 0);
}

// Explicit padding per side. Keras' "same" is asymmetric when the total is odd: the extra element goes after.
struct Padding {
  int64_t top = 0, bottom = 0, left = 0, right = 0;
  friend bool operator==(const Padding&, const Padding&) = default;
};

// "same" of Keras and TensorFlow: ceil(extent / stride) positions.
struct SidePadding {
  int64_t before = 0, after = 0;
};
constexpr SidePadding same_padding(int64_t extent, int64_t window, int64_t stride, int64_t dilation = 1) {
  const int64_t positions = (extent + stride - 1) / stride;
  const int64_t need = (positions - 1) * stride + (window - 1) * dilation + 1 - extent;
  const int64_t total = need > 0 ? need : 0;
  return {total / 2, total - total / 2};
}

}  // namespace gabor
