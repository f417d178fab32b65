// Where the operations' random numbers come from.
#pragma once
#include "core/philox.h"
#include "data/augment/augment.h"

namespace gabor {

// Numbers are kept for ever, or a resumed run would go on with other pictures.
enum class Draws : uint64_t { flip = 0, crop, translate, rand, color, erase, mix };

// The stream of one operation for one sample of one epoch.
inline Random stream(const AugmentKey& key, Draws what) {
  // Epochs stay below 2^32, and RandomKey::a has 40 bits.
  return Random({.seed = key.seed,
                 .purpose = Purpose::augment,
                 .a = uint64_t(key.epoch) | uint64_t(what) << 32,
                 .b = key.sample});
}

}  // namespace gabor
