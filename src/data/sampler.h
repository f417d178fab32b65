// The order of an epoch: a function of (seed, epoch), so resuming in the middle is a seek and needs no saved
// state.
#pragma once
#include <cstdint>
#include <vector>

namespace gabor {

// A copy of samples, shuffled (Fisher-Yates, Philox(seed, shuffle, epoch)).
std::vector<uint32_t> epoch_order(const std::vector<uint32_t>& samples, uint64_t seed, int epoch);

}  // namespace gabor
