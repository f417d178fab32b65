// A random part of a picture: for crop and erase.
#pragma once
#include <cstdint>

#include "core/philox.h"
#include "data/augment/pixel_view.h"

namespace gabor {

struct Box {
  int top = 0, left = 0, height = 0, width = 0;
  bool operator==(const Box&) const = default;
};

// 65536 is 1.
struct BoxRange {
  uint32_t least_area = kFixedOne,
           most_area = kFixedOne;     // share of the picture's, 1 <= least <= most <= 65536
  uint32_t most_stretch = kFixedOne;  // 65536 or more
};

// Draws the area uniformly, then the stretch uniformly from 1 to most_stretch, or to 1 / area if that is less (so that
// the box fits and no draw is thrown away), then which side is stretched, then the place. The sides are those of the
// picture times sqrt(area * stretch) and sqrt(area / stretch), rounded, at least 1. height, width: 1 to 65535.
Box draw_box(Random& random, const BoxRange& range, int height, int width);

}  // namespace gabor
