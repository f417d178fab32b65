#include "data/augment/box.h"

#include <algorithm>
#include <utility>

#include "core/error.h"

namespace gabor {
namespace {

constexpr int kMaxSide = 65535;  // its square times 2^32 fits into 64 bits

// The largest root whose square is at most v.
uint64_t square_root(uint64_t v) {
  uint64_t root = 0;
  for (uint64_t bit = uint64_t{1} << 31; bit; bit >>= 1)
    if ((root | bit) * (root | bit) <= v) root |= bit;
  return root;
}

// length * sqrt(square / 2^32), rounded; square is at most 2^32.
int side(int length, uint64_t square) {
  const uint64_t root = square_root(uint64_t(length) * uint64_t(length) * square);
  return std::clamp(int((root + kFixedOne / 2) >> 16), 1, length);
}

}  // namespace

Box draw_box(Random& random, const BoxRange& range, int height, int width) {
  GABOR_CHECK(height > 0 && width > 0 && std::max(height, width) <= kMaxSide);
  const uint64_t area = range.least_area + random.below(range.most_area - range.least_area + 1);
  const auto most = uint32_t(std::min<uint64_t>(range.most_stretch, (uint64_t{1} << 32) / area));
  const uint64_t stretch = kFixedOne + random.below(most - kFixedOne + 1);
  uint64_t of_width = area * stretch, of_height = (area << 32) / stretch;
  if (random.bits() & 1) std::swap(of_width, of_height);
  Box box;
  box.height = side(height, of_height), box.width = side(width, of_width);
  box.top = int(random.below(uint32_t(height - box.height + 1)));
  box.left = int(random.below(uint32_t(width - box.width + 1)));
  return box;
}

}  // namespace gabor
