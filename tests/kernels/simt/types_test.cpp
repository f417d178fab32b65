// The stand-ins for NVIDIA's types: against the formats' definitions everywhere, and bit for bit against NVIDIA's own
// where their headers are.
#include <gtest/gtest.h>

#include <cmath>

#include "kernels/simt/gpu.h"
#include "kernels/simt/host/standin.h"

namespace gabor::simt {
namespace {

using standin::bits_of;
using standin::float_of;

uint16_t half_bits(float v) { return standin::__half_as_ushort(standin::__float2half_rn(v)); }
uint16_t bfloat16_bits(float v) { return standin::__bfloat16_as_ushort(standin::__float2bfloat16_rn(v)); }
float half_value(uint32_t bits) { return standin::__half2float(standin::__ushort_as_half(uint16_t(bits))); }
float bfloat16_value(uint32_t bits) {
  return standin::__bfloat162float(standin::__ushort_as_bfloat16(uint16_t(bits)));
}

// What a finite half with these bits is, from the definition.
float defined_half(uint32_t bits) {
  const int exponent = int(bits >> 10 & 31), mantissa = int(bits & 1023);
  const float magnitude =
      exponent == 0 ? std::ldexp(float(mantissa), -24) : std::ldexp(float(1024 + mantissa), exponent - 25);
  return bits & 0x8000 ? -magnitude : magnitude;
}

TEST(StandinHalf, ValueOfEveryPattern) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    if ((bits & 0x7c00) != 0x7c00) {
      ASSERT_EQ(half_value(bits), defined_half(bits)) << bits;
      ASSERT_EQ(half_bits(half_value(bits)), bits);
    } else if ((bits & 0x3ff) == 0) {
      ASSERT_EQ(half_value(bits), bits & 0x8000 ? -INFINITY : INFINITY);
    } else {
      ASSERT_TRUE(std::isnan(half_value(bits))) << bits;
    }
  }
}

// Between neighbours a < b: below the middle a, above it b, at the middle the even one.
TEST(StandinHalf, RoundsToNearestEven) {
  for (uint32_t bits = 0; bits < 0x7bff; ++bits) {
    const float middle = (half_value(bits) + half_value(bits + 1)) / 2;  // exact
    ASSERT_EQ(half_bits(std::nextafter(middle, 0.0f)), bits);
    ASSERT_EQ(half_bits(std::nextafter(middle, INFINITY)), bits + 1);
    ASSERT_EQ(half_bits(middle), bits + (bits & 1));
    ASSERT_EQ(half_bits(-middle), (bits + (bits & 1)) | 0x8000);
  }
  EXPECT_EQ(half_bits(65519.996f), 0x7bff);
  EXPECT_EQ(half_bits(65520.0f), 0x7c00);
  EXPECT_EQ(half_bits(NAN), 0x7fff);
}

TEST(StandinBfloat16, RoundsToNearestEven) {
  for (uint32_t bits = 0; bits < 0x7f7f; ++bits) {
    const float middle = float_of(bits << 16 | 0x8000);
    ASSERT_EQ(bfloat16_value(bits), float_of(bits << 16));
    ASSERT_EQ(bfloat16_bits(float_of(bits << 16 | 0x7fff)), bits);
    ASSERT_EQ(bfloat16_bits(float_of(bits << 16 | 0x8001)), bits + 1);
    ASSERT_EQ(bfloat16_bits(middle), bits + (bits & 1));
    ASSERT_EQ(bfloat16_bits(-middle), (bits + (bits & 1)) | 0x8000);
  }
  EXPECT_EQ(bfloat16_bits(INFINITY), 0x7f80);
  EXPECT_EQ(bfloat16_bits(NAN), 0x7fff);
}

TEST(StandinVectors, SizesAndAlignments) {
  EXPECT_EQ(alignof(standin::float4), 16u);
  EXPECT_EQ(alignof(standin::float2), 8u);
  EXPECT_EQ(alignof(standin::ushort4), 8u);
  EXPECT_EQ(alignof(standin::uchar4), 4u);
  EXPECT_EQ(sizeof(standin::__half2), 4u);
  EXPECT_EQ(sizeof(standin::__nv_bfloat16), 2u);
}

TEST(StandinHalf, EqualsNvidiasConversions) {
  if (!GABOR_SIMT_NVIDIA_TYPES) GTEST_SKIP() << "built without NVIDIA's headers";
  for (uint64_t i = 0; i < uint64_t{1} << 32;
       i += 65521 / 8) {  // a prime step: all exponents, many mantissas
    const float v = float_of(uint32_t(i));
    ASSERT_EQ(half_bits(v), __half_as_ushort(from_float<half>(v))) << i;
    ASSERT_EQ(bfloat16_bits(v), __bfloat16_as_ushort(from_float<bfloat16>(v))) << i;
  }
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    if (std::isnan(half_value(bits)) || std::isnan(bfloat16_value(bits)))
      continue;  // which NaN is nobody's business
    ASSERT_EQ(bits_of(half_value(bits)), bits_of(to_float(__ushort_as_half(uint16_t(bits)))));
    ASSERT_EQ(bits_of(bfloat16_value(bits)), bits_of(to_float(__ushort_as_bfloat16(uint16_t(bits)))));
  }
}

}  // namespace
}  // namespace gabor::simt
