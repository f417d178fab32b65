// Pictures out of a set that lies on the device, as the rows of a batch: N,H,W,C bytes.
#pragma once
#include <cstdint>

namespace gabor {

// Which picture a row is, and what is done to it: first moved by whole pixels, then mirrored.
//   y[h,w] = x[picture, reflected(h - down, H), reflected((flip ? W-1-w : w) - right, W)]
struct PictureRow {
  uint32_t picture = 0;         // of the set
  int32_t down = 0, right = 0;  // within +-2^30; what comes in is reflected at the border
  uint32_t flip = 0;            // 0 or 1: left and right
};

struct GatherProblem {
  static constexpr int64_t kMostExtent = 65535;  // of H and W
  int64_t N = 1;                                 // rows of the batch
  int64_t H = 1, W = 1, C = 3;                   // of a picture
  int64_t pictures = 1;                          // of the set
};

// i mirrored into 0 .. size - 1 at the borders, whose own places are not repeated: ... 2 1 0 1 2 ... size-2 size-1 size-2 ...
constexpr int reflected(int i, int size) {
  if (size == 1) return 0;
  const int period = 2 * (size - 1);
  i = (i % period + period) % period;
  return i < size ? i : period - i;
}

static_assert(reflected(-1, 4) == 1 && reflected(-3, 4) == 3 && reflected(-4, 4) == 2);
static_assert(reflected(3, 4) == 3 && reflected(4, 4) == 2 && reflected(6, 4) == 0 && reflected(7, 4) == 1);
static_assert(reflected(-5, 1) == 0 && reflected(-5, 2) == 1);

}  // namespace gabor
