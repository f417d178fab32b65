// The stand-ins for NVIDIA's types, bit for bit against NVIDIA's own where their headers are. (Conversions against the formats'
// definitions: tests/core/half_test.cpp.)
#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "kernels/simt/gpu.h"
#include "kernels/simt/host/standin.h"

namespace gabor::simt {
namespace {

uint32_t bits_of(float v) { return std::bit_cast<uint32_t>(v); }

uint16_t half_bits(float v) { return standin::__half_as_ushort(standin::__float2half_rn(v)); }
uint16_t bfloat16_bits(float v) { return standin::__bfloat16_as_ushort(standin::__float2bfloat16_rn(v)); }
float half_value(uint32_t bits) { return standin::__half2float(standin::__ushort_as_half(uint16_t(bits))); }
float bfloat16_value(uint32_t bits) {
  return standin::__bfloat162float(standin::__ushort_as_bfloat16(uint16_t(bits)));
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
    const auto v = std::bit_cast<float>(uint32_t(i));
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
