#include "data/augment/mix.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/error.h"
#include "data/augment/box.h"
#include "data/augment/draws.h"

namespace gabor {
namespace {

static_assert(MixedLabel::kWhole == kFixedOne);

// u^n of a u in 0..1; 2^32 is 1.
uint64_t power(uint32_t u, int n) {
  uint64_t p = u;
  for (int i = 1; i < n; i++) p = p * u >> 32;
  return p;
}

// Both return the share of the picture that is left, in 65536ths.
int blend(const PixelView& picture, const uint8_t* other, int share) {
  // In locals: a store of bytes might change the view's members, for all that the compiler knows.
  uint8_t* pixels = picture.pixels;
  const size_t bytes = picture.bytes();
  for (size_t i = 0; i < bytes; i++)
    pixels[i] = uint8_t((pixels[i] * share + other[i] * (kFixedOne - share) + kFixedOne / 2) >> 16);
  return share;
}

int replace_part(Random& random, const PixelView& picture, const uint8_t* other, int share) {
  if (share == kFixedOne) return share;
  const auto area = uint32_t(kFixedOne - share);
  const Box box = draw_box(random, {.least_area = area, .most_area = area}, picture.height, picture.width);
  const size_t left = size_t(box.left) * size_t(picture.channels),
               bytes = size_t(box.width) * size_t(picture.channels);
  for (int y = box.top; y < box.top + box.height; y++)
    std::copy_n(other + size_t(y) * picture.row_bytes() + left, bytes, picture.row(y) + left);
  // Sides are whole pixels, so what was replaced is a little more or less than was asked for.
  const int64_t all = int64_t{picture.height} * picture.width, replaced = int64_t{box.height} * box.width;
  return kFixedOne - int((replaced * kFixedOne + all / 2) / all);
}

}  // namespace

int beta_power(double alpha) {
  if (!(alpha > 0)) return 0;
  const double n = std::floor(1 / alpha + 0.5);
  const bool whole = n >= 1 && n <= AugmentSpec::kMostBetaPower && std::abs(n * alpha - 1) <= 0.005;
  return whole ? int(n) : 0;
}

int draw_beta(Random& random, int n) {
  while (true) {
    const uint64_t x = power(random.bits(), n), y = power(random.bits(), n), sum = x + y;
    if (sum > 0 && sum <= uint64_t{1} << 32) return int((x * kFixedOne + sum / 2) / sum);
  }
}

void mix(const AugmentSpec& spec, const AugmentKey& key, const PixelView& picture, MixedLabel& label,
         const uint8_t* other, int32_t other_label) {
  GABOR_CHECK(spec.mixes());
  if (label.first < 0 || other_label < 0) return;
  Random random = stream(key, Draws::mix);
  const bool coin = random.bits() & 1, cut = spec.cutmix > 0 && (spec.mixup == 0 || coin);
  const int share = draw_beta(random, beta_power(cut ? spec.cutmix : spec.mixup));
  label.second = other_label;
  label.weight = cut ? replace_part(random, picture, other, share) : blend(picture, other, share);
  if (label.weight >= kFixedOne / 2) return;
  std::swap(label.first, label.second);
  label.weight = kFixedOne - label.weight;
}

}  // namespace gabor
