// A picture reduced to what re-encoding, resizing and a little light leave as they are: to find near
// duplicates.
#pragma once
#include <array>
#include <cstdint>

#include "data/image.h"

namespace gabor {

// hash: a difference hash ("dHash", N. Krawetz 2013), both ways: the luma is resized to 8 rows of 9 and to 9
// rows of 8, and a bit says whether a value is below its right (first 64 bits) or lower (last 64) neighbour.
// luma: 16 x 16, row-major. flat: next to no contrast, so that the hash is noise and the sketch is like no
// other.
struct Sketch {
  static constexpr int kSide = 16;
  std::array<uint64_t, 2> hash{};
  std::array<uint8_t, kSide * kSide> luma{};
  bool flat = true;
};

// image: RGB or gray, at least 1x1. The bits are the same on every CPU.
Sketch sketch_of(const Image& image);

int hamming_distance(const Sketch& a, const Sketch& b);  // of the hashes, 0..128
// Pearson's correlation of the two lumas, -1..1: blind to brightness and contrast. 0 where one is flat.
double correlation(const Sketch& a, const Sketch& b);

}  // namespace gabor
