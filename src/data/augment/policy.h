// RandAugment (Cubuk et al.: "RandAugment: practical automated data augmentation with a reduced search space", 2019):
// a few operations, drawn one by one from a list of 14, all with one magnitude.
#pragma once
#include <cstdint>

#include "core/philox.h"
#include "data/augment/pixel_view.h"

namespace gabor {

// What magnitude M of 0..10 means; "either way": by a coin. M = 0 changes nothing, but for autocontrast and equalize,
// which have no magnitude.
enum class PolicyOp : uint8_t {
  identity,
  autocontrast,
  equalize,
  rotate,       // 3 M degrees, either way
  solarize,     // values from 256 - 25.6 M on are inverted
  color,        // saturation times 1 + 0.09 M or 1 - 0.09 M
  posterize,    // 8 - 0.4 M bits are kept
  contrast,     // times 1 + 0.09 M or 1 - 0.09 M
  brightness,   // likewise
  sharpness,    // likewise
  shear_x,      // by 0.03 M, either way
  shear_y,      // likewise
  translate_x,  // by 150/331 M/10 of the width, either way
  translate_y,  // of the height
};
constexpr int kPolicyOps = 14;
const char* name_of(PolicyOp op);

// In place. magnitude: 0..10. negative: the other way. What comes in from beyond the border is gray 128.
void apply(PolicyOp op, int magnitude, bool negative, const PixelView& picture, Image& scratch);

// ops operations, drawn with replacement.
void apply_policy(Random& random, int ops, int magnitude, const PixelView& picture, Image& scratch);

}  // namespace gabor
