#include "core/problem/window.h"

#include <gtest/gtest.h>

#include <vector>

namespace gabor {
namespace {

struct Axis {
  int64_t extent, window, before, after, stride, dilation;
};

// Calls visit with every axis of small sizes.
template <class Visit>
void for_each_axis(Visit&& visit) {
  for (int64_t extent = 1; extent <= 9; extent++)
    for (int64_t window = 1; window <= 5; window++)
      for (int64_t before = 0; before <= 3; before++)
        for (int64_t after = 0; after <= 3; after++)
          for (int64_t stride = 1; stride <= 4; stride++)
            for (int64_t dilation = 1; dilation <= 3; dilation++)
              visit(Axis{extent, window, before, after, stride, dilation});
}

// Slides the window until it no longer fits. In padded coordinates data begins at `before`.
int64_t counted(const Axis& a) {
  int64_t n = 0;
  while (n * a.stride + (a.window - 1) * a.dilation < a.before + a.extent + a.after) n++;
  return n;
}

TEST(Window, PositionsAreThoseThatFit) {
  for_each_axis([](const Axis& a) {
    ASSERT_EQ(window_positions(a.extent, a.window, a.before, a.after, a.stride, a.dilation), counted(a))
        << a.extent << " " << a.window << " " << a.before << " " << a.after << " " << a.stride << " "
        << a.dilation;
  });
}

// Rounded up, one more window may hang over the end, as long as it starts before the padding there.
TEST(Window, CeilAddsTheWindowThatHangsOver) {
  for_each_axis([](const Axis& a) {
    const int64_t fit = counted(a);
    const int64_t span = (a.window - 1) * a.dilation + 1, padded = a.before + a.extent + a.after;
    const bool reads_on =
        fit > 0 && (fit - 1) * a.stride + span < padded && fit * a.stride < a.before + a.extent;
    ASSERT_EQ(window_positions(a.extent, a.window, a.before, a.after, a.stride, a.dilation, true),
              fit + reads_on)
        << a.extent << " " << a.window << " " << a.before << " " << a.after << " " << a.stride << " "
        << a.dilation;
  });
}

TEST(Window, UnreadIsWhatLiesBehindTheLastTap) {
  for_each_axis([](const Axis& a) {
    const int64_t positions = counted(a);
    int64_t last = -1;  // last element of the data that a tap could reach
    for (int64_t i = 0; i < positions; i++) last = i * a.stride + (a.window - 1) * a.dilation - a.before;
    int64_t behind = 0;
    for (int64_t e = 0; e < a.extent; e++) behind += positions == 0 || e > last;
    ASSERT_EQ(unread(a.extent, a.window, a.before, a.stride, a.dilation, positions), behind)
        << a.extent << " " << a.window << " " << a.before << " " << a.after << " " << a.stride << " "
        << a.dilation;
  });
}

TEST(Window, SamePaddingGivesExtentOverStride) {
  for (int64_t extent = 1; extent <= 20; extent++)
    for (int64_t window = 1; window <= 7; window++)
      for (int64_t stride = 1; stride <= 4; stride++)
        for (int64_t dilation = 1; dilation <= 2; dilation++) {
          const SidePadding pad = same_padding(extent, window, stride, dilation);
          // The extra element of an odd total goes behind; nothing is padded without need.
          ASSERT_GE(pad.before, 0);
          ASSERT_TRUE(pad.after == pad.before || pad.after == pad.before + 1);
          const int64_t wanted = (extent + stride - 1) / stride;
          const int64_t positions = window_positions(extent, window, pad.before, pad.after, stride, dilation);
          ASSERT_EQ(positions, wanted) << extent << " " << window << " " << stride << " " << dilation;
        }
}

}  // namespace
}  // namespace gabor
