// MixUp (Zhang et al.: "mixup: beyond empirical risk minimization", ICLR 2018): a picture becomes the weighted mean of
// itself and another. CutMix (Yun et al.: "CutMix: regularization strategy to train strong classifiers with localizable
// features", ICCV 2019): a part of it is replaced by the same part of another. The label becomes both labels, weighted.
#pragma once
#include <cstdint>

#include "core/philox.h"
#include "data/augment/augment.h"

namespace gabor {

// As a loss with two labels to a row reads it (ops/loss.h).
struct MixedLabel {
  static constexpr int32_t kWhole = 65536;
  int32_t first = -1, second = -1;  // classes; first -1: an unreadable picture
  int32_t weight = kWhole;          // of first, 0..kWhole
};

// n of a = 1 / n where n is a whole number of 1..AugmentSpec::kMostBetaPower (to 0.5 %: "0.333" is 1/3), else 0.
int beta_power(double alpha);

// A draw from Beta(1/n, 1/n), in 65536ths: 0..65536. By powers of uniform draws (Joehnk 1964), which for these exponents
// needs whole numbers only.
int draw_beta(Random& random, int n);

// Mixes the other picture, of the same size, and its label into picture and label, in place. Nothing where one of the
// labels' first is -1. The weightier label comes first. spec.mixes().
void mix(const AugmentSpec& spec, const AugmentKey& key, const PixelView& picture, MixedLabel& label,
         const uint8_t* other, int32_t other_label);

}  // namespace gabor
