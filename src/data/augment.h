// Augmentation: decided by (seed, epoch, sample), never by the thread or the place in a batch.
#pragma once
#include <cstdint>

#include "core/philox.h"

namespace gabor {

// Mirror this sample in this epoch? True for half of them.
inline bool is_flipped(uint64_t seed, int epoch, uint32_t sample) {
  const RandomKey key{.seed = seed, .purpose = Purpose::augment, .a = uint64_t(epoch), .b = sample};
  return key.block(0)[0] & 1;
}

}  // namespace gabor
