#include "data/augment/augment.h"

#include <utility>

#include "core/error.h"
#include "data/augment/box.h"
#include "data/augment/draws.h"
#include "data/augment/geometry.h"
#include "data/augment/mix.h"
#include "data/augment/policy.h"
#include "data/augment/tone.h"
#include "data/pixels.h"

namespace gabor {
namespace {

constexpr uint32_t kMostCropStretch = kFixedOne * 4 / 3;
constexpr BoxRange kErased{
    .least_area = kFixedOne / 50, .most_area = kFixedOne / 3, .most_stretch = kFixedOne * 33 / 10};

// 0..1 in 65536ths. A product with a power of two is exact, so the rounding is the same everywhere.
uint32_t share(double v) { return uint32_t(v * kFixedOne + 0.5); }

void random_crop(Random random, const AugmentSpec::Crop& range, const PixelView& picture, Image& scratch) {
  const BoxRange box{
      .least_area = share(range.least), .most_area = share(range.most), .most_stretch = kMostCropStretch};
  crop(picture, draw_box(random, box, picture.height, picture.width), scratch);
}

struct Move {
  int down, right;
};
Move draw_move(Random random, int most) {
  const auto draw = [&] { return int(random.below(2 * uint32_t(most) + 1)) - most; };
  const int down = draw(), right = draw();
  return {down, right};
}

void jitter_color(Random random, double strength, const PixelView& picture) {
  const uint32_t most = share(strength);
  const auto draw = [&] { return kFixedOne - int(most) + int(random.below(2 * most + 1)); };
  const int brightness = draw(), contrast = draw(), saturation = draw();
  adjust_color(picture, brightness, contrast, saturation);
}

void random_erase(Random random, double probability, const PixelView& picture) {
  if (random.below(kFixedOne) >= share(probability)) return;
  const Box box = draw_box(random, kErased, picture.height, picture.width);
  const size_t channels = size_t(picture.channels), bytes = size_t(box.width) * channels;
  for (int y = box.top; y < box.top + box.height; y++) {
    uint8_t* row = picture.row(y) + size_t(box.left) * channels;
    uint32_t noise = 0;
    for (size_t i = 0; i < bytes; i++, noise >>= 8) {
      if (i % 4 == 0) noise = random.bits();
      row[i] = uint8_t(noise);
    }
  }
}

}  // namespace

void check(const AugmentSpec& s) {
  const auto within = [](const char* what, double value, double low, double high) {
    if (!(value >= low && value <= high))
      fail(ErrorCode::usage, "augment", "{} is {}; expected {} to {}", what, value, low, high);
  };
  constexpr double kLeastCrop = 1.0 / kFixedOne;
  within("the least share of a crop", s.crop.least, kLeastCrop, 1);
  within("the largest share of a crop", s.crop.most, s.crop.least, 1);
  within("translate", s.translate, 0, AugmentSpec::kMostTranslate);
  within("rand's number of operations", s.rand.ops, 0, AugmentSpec::kMostOps);
  within("rand's magnitude", s.rand.magnitude, 1, AugmentSpec::kMostMagnitude);
  within("color", s.color, 0, 1);
  within("erase", s.erase, 0, 1);
  for (const auto& [what, alpha] : {std::pair{"mixup", s.mixup}, {"cutmix", s.cutmix}})
    if (alpha != 0 && beta_power(alpha) == 0)
      fail(ErrorCode::usage, "augment", "{} is {}; expected 1 divided by a whole number of 1 to {}", what,
           alpha, AugmentSpec::kMostBetaPower);
}

bool AugmentSpec::only_moves() const {
  AugmentSpec rest = *this;
  rest.translate = 0, rest.flip = false;
  return rest == AugmentSpec{};
}

PictureRow drawn_move(const AugmentSpec& spec, const AugmentKey& key) {
  PictureRow row;
  if (spec.translate > 0) {
    const Move move = draw_move(stream(key, Draws::translate), spec.translate);
    row.down = move.down, row.right = move.right;
  }
  row.flip = spec.flip && is_flipped(key);
  return row;
}

bool is_flipped(const AugmentKey& key) { return stream(key, Draws::flip).bits() & 1; }

void augment(const AugmentSpec& spec, const AugmentKey& key, const PixelView& picture, Image& scratch) {
  if (spec.crop.least < 1) random_crop(stream(key, Draws::crop), spec.crop, picture, scratch);
  if (spec.translate > 0) {
    const Move move = draw_move(stream(key, Draws::translate), spec.translate);
    translate(picture, move.down, move.right, scratch);
  }
  if (spec.flip && is_flipped(key))
    flip_horizontal(picture.pixels, picture.height, picture.width, picture.channels);
  if (spec.rand.ops > 0) {
    Random random = stream(key, Draws::rand);
    apply_policy(random, spec.rand.ops, spec.rand.magnitude, picture, scratch);
  }
  if (spec.color > 0) jitter_color(stream(key, Draws::color), spec.color, picture);
  if (spec.erase > 0) random_erase(stream(key, Draws::erase), spec.erase, picture);
}

}  // namespace gabor
