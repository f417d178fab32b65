#include "data/sampler.h"

#include <cstddef>
#include <utility>

#include "core/philox.h"

namespace gabor {

std::vector<uint32_t> epoch_order(const std::vector<uint32_t>& samples, uint64_t seed, int epoch) {
  std::vector<uint32_t> order = samples;
  Random random({.seed = seed, .purpose = Purpose::shuffle, .a = uint64_t(epoch)});
  for (std::size_t left = order.size(); left > 1; left--)
    std::swap(order[left - 1], order[random.below(uint32_t(left))]);
  return order;
}

}  // namespace gabor
