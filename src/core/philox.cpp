#include "core/philox.h"

#include <cmath>

namespace gabor {

uint32_t Random::bits() {
  const uint32_t lane = next_ % 4;
  if (lane == 0) block_ = key_.block(next_ / 4);
  next_++;
  return block_[lane];
}

float Random::normal() {
  const double u = (bits() + 0.5) * 0x1p-32, v = bits() * 0x1p-32;
  return float(std::sqrt(-2 * std::log(u)) * std::cos(2 * 3.14159265358979323846 * v));
}

uint32_t Random::below(uint32_t bound) {
  uint64_t product = uint64_t(bits()) * bound;
  const uint32_t threshold = -bound % bound;
  while (uint32_t(product) < threshold) product = uint64_t(bits()) * bound;
  return uint32_t(product >> 32);
}

}  // namespace gabor
