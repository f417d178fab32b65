// Philox4x32-10: counter-based random numbers (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy
// as 1, 2, 3", SC 2011). A value depends only on (key, counter), never on a thread, a worker or a call order,
// so there is no generator state to save. The counter says *what* is drawn: see RandomKey.
#pragma once
#include <array>
#include <cstdint>

namespace gabor {

using Philox4 = std::array<uint32_t, 4>;

// One block of four 32-bit values.
constexpr Philox4 philox4x32_10(Philox4 counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; round++) {
    const uint64_t p0 = uint64_t{0xD2511F53u} * counter[0];
    const uint64_t p1 = uint64_t{0xCD9E8D57u} * counter[2];
    counter = {uint32_t(p1 >> 32) ^ counter[1] ^ key[0], uint32_t(p1),
               uint32_t(p0 >> 32) ^ counter[3] ^ key[1], uint32_t(p0)};
    key = {key[0] + 0x9E3779B9u, key[1] + 0xBB67AE85u};
  }
  return counter;
}

// Uniform in [0,1) with 24 bits; in (0,1] add 2^-24.
constexpr float unit_float(uint32_t bits) { return float(bits >> 8) * 0x1p-24f; }

// What a draw is for: one entry per purpose, so that no two streams meet.
enum class Purpose : uint32_t { init = 1, shuffle, split, dropout, augment, demo, test, duel };

// A stream of draws for (seed, purpose, a, b): e.g. (seed, dropout, step, layer) or (seed, augment, epoch,
// sample).
struct RandomKey {
  uint64_t seed = 0;
  Purpose purpose = Purpose::test;
  uint64_t a = 0;  // up to 2^40: epoch, step, ...
  uint32_t b = 0;  // sample, layer, ...

  // Block i (i < 2^32) of the stream. Key = seed; counter = (i, b, low a, high a + purpose).
  Philox4 block(uint32_t i) const {
    return philox4x32_10(counter(i), {uint32_t(seed), uint32_t(seed >> 32)});
  }
  Philox4 counter(uint32_t i) const {
    return {i, b, uint32_t(a), (uint32_t(a >> 32) << 8) | uint32_t(purpose)};
  }
};

// The same stream, drawn one by one.
class Random {
 public:
  explicit Random(RandomKey key) : key_(key) {}
  uint32_t bits();
  float uniform() { return unit_float(bits()); }                                   // [0,1)
  float uniform(float low, float high) { return low + (high - low) * uniform(); }  // [low,high)
  float normal();                  // mean 0, deviation 1 (Box-Muller, one value a pair)
  uint32_t below(uint32_t bound);  // 0..bound-1, exactly uniform (Lemire's rejection)

 private:
  RandomKey key_;
  uint32_t next_ = 0;
  Philox4 block_{};
};

}  // namespace gabor
