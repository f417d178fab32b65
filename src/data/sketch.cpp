#include "data/sketch.h"

#include <bit>
#include <cmath>

#include "data/pixels.h"
#include "data/resize.h"

namespace gabor {
namespace {

constexpr int kSmallSide = 72;
constexpr double kFlat = 2.0;  // standard deviation of the luma, in levels of 255

// A bit for each of 8 x 8 places: whether the value is below the one that lies `step` further.
uint64_t rising(const uint8_t* luma, int width, int step) {
  uint64_t bits = 0;
  for (int y = 0; y < 8; y++)
    for (int x = 0; x < 8; x++) {
      const uint8_t* at = luma + y * width + x;
      bits = bits << 1 | uint64_t(at[0] < at[step]);
    }
  return bits;
}

// n^2 times the variances of the lumas a and b, and their covariance.
struct Moments {
  double aa = 0, bb = 0, ab = 0;
};

Moments moments(const Sketch& x, const Sketch& y) {
  // integer sums: exact, so the order of summation cannot matter
  int64_t a = 0, b = 0, aa = 0, bb = 0, ab = 0;
  const auto n = int64_t(x.luma.size());
  for (size_t i = 0; i < x.luma.size(); i++) {
    const int64_t u = x.luma[i], v = y.luma[i];
    a += u, b += v, aa += u * u, bb += v * v, ab += u * v;
  }
  return {double(n * aa - a * a), double(n * bb - b * b), double(n * ab - a * b)};
}

}  // namespace

Sketch sketch_of(const Image& image) {
  // one pass over the large picture; 72 is a multiple of 8 and of 9
  Image small{kSmallSide, kSmallSide, image.channels,
              std::vector<uint8_t>(size_t(kSmallSide * kSmallSide * image.channels))};
  resize(image, kSmallSide, kSmallSide, Resize::antialias, small.pixels.data());
  set_channels(small, 1);
  Sketch s;
  std::array<uint8_t, 8 * 9> wide{}, tall{};
  resize(small, 8, 9, Resize::antialias, wide.data());
  resize(small, 9, 8, Resize::antialias, tall.data());
  resize(small, Sketch::kSide, Sketch::kSide, Resize::antialias, s.luma.data());
  s.hash = {rising(wide.data(), 9, 1), rising(tall.data(), 8, 8)};
  s.flat = std::sqrt(moments(s, s).aa) < kFlat * double(s.luma.size());
  return s;
}

int hamming_distance(const Sketch& a, const Sketch& b) {
  return std::popcount(a.hash[0] ^ b.hash[0]) + std::popcount(a.hash[1] ^ b.hash[1]);
}

double correlation(const Sketch& a, const Sketch& b) {
  if (a.flat || b.flat) return 0;
  const Moments m = moments(a, b);
  return m.ab / std::sqrt(m.aa * m.bb);
}

}  // namespace gabor
