#include "core/half.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/philox.h"

namespace gabor {
namespace {

// A format as IEEE 754 defines it.
struct Format {
  int mantissa_bits, bias;
  uint16_t (*bits)(float);
  float (*value)(uint16_t);

  uint32_t exponents() const { return (0x7fffu >> mantissa_bits); }  // the largest: infinities and NaN
  uint32_t infinity() const { return exponents() << mantissa_bits; }
  double defined(uint32_t pattern) const {
    const uint32_t exponent = (pattern & 0x7fffu) >> mantissa_bits,
                   mantissa = pattern & ((1u << mantissa_bits) - 1);
    const double magnitude = exponent == 0 ? std::ldexp(double(mantissa), 1 - bias - mantissa_bits)
                                           : std::ldexp(double((1u << mantissa_bits) + mantissa),
                                                        int(exponent) - bias - mantissa_bits);
    return pattern & 0x8000u ? -magnitude : magnitude;
  }
};

constexpr Format kF16{10, 15, f16_bits, f16_value}, kBf16{7, 127, bf16_bits, bf16_value};

class HalfFormat : public testing::TestWithParam<Format> {};

TEST_P(HalfFormat, ValueOfEveryPattern) {
  const Format& f = GetParam();
  for (uint32_t pattern = 0; pattern < 0x10000; pattern++) {
    const float v = f.value(uint16_t(pattern));
    const uint32_t magnitude = pattern & 0x7fffu;
    if (magnitude > f.infinity()) {
      ASSERT_TRUE(std::isnan(v)) << pattern;
      ASSERT_EQ(f.bits(v), 0x7fff) << pattern;
      continue;
    }
    const double infinity = pattern & 0x8000u ? -INFINITY : INFINITY;
    ASSERT_EQ(v, magnitude == f.infinity() ? infinity : f.defined(pattern)) << pattern;
    ASSERT_EQ(std::signbit(v), pattern >= 0x8000u) << pattern;
    ASSERT_EQ(f.bits(v), pattern);
  }
}

// Between neighbours a < b: below the middle a, above it b, at the middle the even one. The middle of the largest number and
// what would come next counts as infinite.
TEST_P(HalfFormat, RoundsToNearestEven) {
  const Format& f = GetParam();
  for (uint32_t pattern = 0; pattern < f.infinity(); pattern++) {
    const auto middle = float((f.defined(pattern) + f.defined(pattern + 1)) / 2);  // exact
    ASSERT_EQ(f.bits(std::nextafter(middle, 0.0f)), pattern);
    ASSERT_EQ(f.bits(std::nextafter(middle, INFINITY)), pattern + 1);
    ASSERT_EQ(f.bits(middle), pattern + (pattern & 1));
    ASSERT_EQ(f.bits(-middle), (pattern + (pattern & 1)) | 0x8000u);
  }
  EXPECT_EQ(f.bits(std::numeric_limits<float>::max()), f.infinity());
  EXPECT_EQ(f.bits(-INFINITY), f.infinity() | 0x8000u);
}

// Any float: no number of the format is nearer than what it becomes.
TEST_P(HalfFormat, RandomFloatsBecomeTheNearest) {
  const Format& f = GetParam();
  Random random({.seed = 1, .purpose = Purpose::test});
  for (int i = 0; i < 1'000'000; i++) {
    const auto v = std::bit_cast<float>(random.bits());
    if (std::isnan(v)) {
      ASSERT_EQ(f.bits(v), 0x7fff);
      continue;
    }
    const uint32_t got = f.bits(v), magnitude = got & 0x7fffu;
    ASSERT_EQ(got >= 0x8000u, std::signbit(v)) << v;
    const double off =
        std::fabs(std::fabs(double(v)) - f.defined(magnitude));  // infinity: as the next number
    if (magnitude > 0) {
      ASSERT_LE(off, std::fabs(std::fabs(double(v)) - f.defined(magnitude - 1))) << v;
    }
    if (magnitude < f.infinity()) {
      ASSERT_LE(off, std::fabs(std::fabs(double(v)) - f.defined(magnitude + 1))) << v;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, HalfFormat, testing::Values(kF16, kBf16),
                         [](const auto& format) { return format.param.bias == 15 ? "f16" : "bf16"; });

}  // namespace
}  // namespace gabor
