// Stand-ins for CUDA's vector, half and bfloat16 types on machines without NVIDIA's headers: same names, sizes,
// alignment and, bit for bit, the same conversions (tests/kernels/simt/types_test.cpp compares them where both
// are there). No arithmetic on half and bfloat16: kernels convert.
#pragma once
#include <bit>
#include <cstdint>

namespace gabor::simt::standin {

struct uint3 {
  unsigned x, y, z;
};
struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned nx = 1, unsigned ny = 1, unsigned nz = 1) : x(nx), y(ny), z(nz) {}
};

#define GABOR_SIMT_VECTOR2(T, name, bytes) \
  struct alignas(bytes) name {             \
    T x, y;                                \
  };                                       \
  inline name make_##name(T x, T y) { return {x, y}; }
#define GABOR_SIMT_VECTOR4(T, name, bytes) \
  struct alignas(bytes) name {             \
    T x, y, z, w;                          \
  };                                       \
  inline name make_##name(T x, T y, T z, T w) { return {x, y, z, w}; }
GABOR_SIMT_VECTOR2(unsigned char, uchar2, 2)
GABOR_SIMT_VECTOR4(unsigned char, uchar4, 4)
GABOR_SIMT_VECTOR4(signed char, char4, 4)
GABOR_SIMT_VECTOR2(unsigned short, ushort2, 4)
GABOR_SIMT_VECTOR4(unsigned short, ushort4, 8)
GABOR_SIMT_VECTOR2(int, int2, 8)
GABOR_SIMT_VECTOR4(int, int4, 16)
GABOR_SIMT_VECTOR2(unsigned, uint2, 8)
GABOR_SIMT_VECTOR4(unsigned, uint4, 16)
GABOR_SIMT_VECTOR2(float, float2, 8)
GABOR_SIMT_VECTOR4(float, float4, 16)
GABOR_SIMT_VECTOR2(double, double2, 16)
#undef GABOR_SIMT_VECTOR2
#undef GABOR_SIMT_VECTOR4

struct __half {
  uint16_t bits;
};
struct __nv_bfloat16 {
  uint16_t bits;
};
struct alignas(4) __half2 {
  __half x, y;
};
struct alignas(4) __nv_bfloat162 {
  __nv_bfloat16 x, y;
};

inline __half __ushort_as_half(unsigned short bits) { return {bits}; }
inline unsigned short __half_as_ushort(__half v) { return v.bits; }
inline __nv_bfloat16 __ushort_as_bfloat16(unsigned short bits) { return {bits}; }
inline unsigned short __bfloat16_as_ushort(__nv_bfloat16 v) { return v.bits; }

inline uint32_t bits_of(float v) { return std::bit_cast<uint32_t>(v); }
inline float float_of(uint32_t bits) { return std::bit_cast<float>(bits); }

// 1 sign, 5 exponent (bias 15), 10 mantissa bits.
inline __half __float2half_rn(float v) {
  const uint32_t sign = bits_of(v) >> 16 & 0x8000u;
  const uint32_t magnitude = bits_of(v) & 0x7fffffffu;
  uint32_t half;
  if (magnitude > 0x7f800000u) return {0x7fff};  // NaN: one pattern, as on the GPU
  if (magnitude >= bits_of(65520.0f)) {          // half-way to the first number too large, and up
    half = 0x7c00u;
  } else if (magnitude >= bits_of(0x1p-14f)) {
    const uint32_t tie_to_even = magnitude >> 13 & 1u;
    half = (magnitude - ((127u - 15u) << 23) + 0xfffu + tie_to_even) >> 13;
  } else {  // subnormal: floats in [0.5, 1) are spaced as these are, so this sum rounds as wanted
    half = bits_of(float_of(magnitude) + 0.5f) - bits_of(0.5f);
  }
  return {uint16_t(sign | half)};
}

inline float __half2float(__half v) {
  const uint32_t sign = uint32_t(v.bits & 0x8000u) << 16;
  const uint32_t exponent = v.bits >> 10 & 0x1fu, mantissa = v.bits & 0x3ffu;
  if (exponent == 0x1f) return float_of(sign | 0x7f800000u | mantissa << 13);
  if (exponent == 0) return float_of(sign | bits_of(float(mantissa) * 0x1p-24f));
  return float_of(sign | (exponent + 127 - 15) << 23 | mantissa << 13);
}

// The upper half of a float.
inline __nv_bfloat16 __float2bfloat16_rn(float v) {
  const uint32_t bits = bits_of(v);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return {0x7fff};
  const uint32_t tie_to_even = bits >> 16 & 1u;
  return {uint16_t((bits + 0x7fffu + tie_to_even) >> 16)};
}

inline float __bfloat162float(__nv_bfloat16 v) { return float_of(uint32_t(v.bits) << 16); }

}  // namespace gabor::simt::standin
