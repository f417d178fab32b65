// The two 16-bit formats of DType as what a processor without them sees: their bits. From float: to nearest, ties to even; NaN
// to one pattern, as GPUs do; what is too large becomes infinite. To float: exactly.
#pragma once
#include <bit>
#include <cstdint>

namespace gabor {

// IEEE 754 binary16: 1 sign, 5 exponent (bias 15), 10 mantissa bits.
constexpr uint16_t f16_bits(float v) {
  const auto bits = std::bit_cast<uint32_t>(v);
  const uint32_t sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7fffffffu;
  uint32_t half = 0;
  if (magnitude > 0x7f800000u) return 0x7fff;            // NaN
  if (magnitude >= std::bit_cast<uint32_t>(65520.0f)) {  // half-way to the first number too large, and up
    half = 0x7c00u;
  } else if (magnitude >= std::bit_cast<uint32_t>(0x1p-14f)) {
    const uint32_t tie_to_even = magnitude >> 13 & 1u;
    half = (magnitude - ((127u - 15u) << 23) + 0xfffu + tie_to_even) >> 13;
  } else {  // subnormal: floats in [0.5, 1) are spaced as these are, so this sum rounds as wanted
    half = std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude) + 0.5f) - std::bit_cast<uint32_t>(0.5f);
  }
  return uint16_t(sign | half);
}

constexpr float f16_value(uint16_t bits) {
  const uint32_t sign = uint32_t(bits & 0x8000u) << 16;
  const uint32_t exponent = bits >> 10 & 0x1fu, mantissa = bits & 0x3ffu;
  if (exponent == 0x1f) return std::bit_cast<float>(sign | 0x7f800000u | mantissa << 13);
  if (exponent == 0) return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(float(mantissa) * 0x1p-24f));
  return std::bit_cast<float>(sign | (exponent + 127 - 15) << 23 | mantissa << 13);
}

// bfloat16: the upper half of a float.
constexpr uint16_t bf16_bits(float v) {
  const auto bits = std::bit_cast<uint32_t>(v);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return 0x7fff;
  const uint32_t tie_to_even = bits >> 16 & 1u;
  return uint16_t((bits + 0x7fffu + tie_to_even) >> 16);
}

constexpr float bf16_value(uint16_t bits) { return std::bit_cast<float>(uint32_t(bits) << 16); }

}  // namespace gabor
