#include "data/augment/policy.h"

#include <array>

#include "core/error.h"
#include "data/augment/geometry.h"
#include "data/augment/tone.h"

namespace gabor {
namespace {

// sin and cos of 0, 3, 6, ... 30 degrees times 65536: the C library's may differ in the last bit between machines.
constexpr std::array<int, 11> kSine = {0, 3430, 6850, 10252, 13626, 16962, 20252, 23486, 26656, 29753, 32768};
constexpr std::array<int, 11> kCosine = {65536, 65446, 65177, 64729, 64104, 63303,
                                         62328, 61183, 59870, 58393, 56756};

// a / b, rounded; for a >= 0.
int divide(int64_t a, int64_t b) { return int((a + b / 2) / b); }

Affine rotation(int magnitude, bool negative) {
  const int sine = negative ? -kSine[size_t(magnitude)] : kSine[size_t(magnitude)];
  const int cosine = kCosine[size_t(magnitude)];
  return {.ww = cosine, .wh = sine, .hw = -sine, .hh = cosine};
}

}  // namespace

const char* name_of(PolicyOp op) {
  constexpr std::array<const char*, kPolicyOps> names = {
      "identity", "autocontrast", "equalize",  "rotate",  "solarize", "color",       "posterize",
      "contrast", "brightness",   "sharpness", "shear_x", "shear_y",  "translate_x", "translate_y"};
  return names[size_t(op)];
}

void apply(PolicyOp op, int magnitude, bool negative, const PixelView& picture, Image& scratch) {
  GABOR_CHECK(magnitude >= 0 && magnitude <= 10);
  const int64_t m = magnitude, sign = negative ? -1 : 1;
  const int factor = kFixedOne + int(sign) * divide(9 * m * kFixedOne, 100);
  const int shear = int(sign) * divide(3 * m * kFixedOne, 100);
  const auto moved = [&](int length) { return int(sign) * divide(length * 150 * m, 3310); };
  switch (op) {
    case PolicyOp::identity:
      return;
    case PolicyOp::autocontrast:
      return autocontrast(picture);
    case PolicyOp::equalize:
      return equalize(picture);
    case PolicyOp::rotate:
      return transform(picture, rotation(magnitude, negative), scratch);
    case PolicyOp::solarize:
      return solarize(picture, 256 - divide(256 * m, 10));
    case PolicyOp::color:
      return adjust_saturation(picture, factor);
    case PolicyOp::posterize:
      return posterize(picture, 8 - divide(4 * m, 10));
    case PolicyOp::contrast:
      return adjust_contrast(picture, factor);
    case PolicyOp::brightness:
      return adjust_brightness(picture, factor);
    case PolicyOp::sharpness:
      return adjust_sharpness(picture, factor, scratch);
    case PolicyOp::shear_x:
      return transform(picture, {.wh = shear}, scratch);
    case PolicyOp::shear_y:
      return transform(picture, {.hw = shear}, scratch);
    case PolicyOp::translate_x:
      return transform(picture, {.right = moved(picture.width)}, scratch);
    case PolicyOp::translate_y:
      return transform(picture, {.down = moved(picture.height)}, scratch);
  }
}

void apply_policy(Random& random, int ops, int magnitude, const PixelView& picture, Image& scratch) {
  for (int i = 0; i < ops; i++) {
    const auto op = PolicyOp(random.below(kPolicyOps));
    apply(op, magnitude, random.bits() & 1, picture, scratch);
  }
}

}  // namespace gabor
