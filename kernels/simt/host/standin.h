// Stand-ins for CUDA's vector, half and bfloat16 types on machines without NVIDIA's headers: same names, sizes,
// alignment and, bit for bit, the same conversions (tests/kernels/simt/types_test.cpp compares them where both
// are there). No arithmetic on half and bfloat16: kernels convert.
#pragma once
#include <cstdint>

#include "core/half.h"

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

inline __half __float2half_rn(float v) { return {f16_bits(v)}; }
inline float __half2float(__half v) { return f16_value(v.bits); }
inline __nv_bfloat16 __float2bfloat16_rn(float v) { return {bf16_bits(v)}; }
inline float __bfloat162float(__nv_bfloat16 v) { return bf16_value(v.bits); }

}  // namespace gabor::simt::standin
