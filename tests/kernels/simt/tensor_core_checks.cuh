// ldmatrix and mma against plain loops. Small integers throughout: exact in every format, whatever the order of the
// sums, so results are compared bit for bit, on the host and on a GPU.
#pragma once
#include "kernels/simt/check.h"

namespace gabor::simt::wrappers {

// Element (row, column) of a test matrix: from -8 to 8, without symmetry that could hide a transposition.
inline int entry(int row, int column, int which) {
  return (row * 7 + column * 3 + row * column + which) % 17 - 8;
}

inline std::vector<float> product_plus_c(int k_count) {  // 16x8, row-major
  std::vector<float> d(16 * 8);
  for (int i = 0; i < 16; ++i)
    for (int j = 0; j < 8; ++j) {
      int sum = entry(i, j, 5);
      for (int k = 0; k < k_count; ++k) sum += entry(i, k, 1) * entry(k, j, 2);
      d[size_t(i * 8 + j)] = float(sum);
    }
  return d;
}

inline std::vector<float> matrix(int rows, int columns, int which) {
  std::vector<float> m;
  for (int i = 0; i < rows; ++i)
    for (int j = 0; j < columns; ++j) m.push_back(float(entry(i, j, which)));
  return m;
}

__device__ inline void load_c(float (&c)[4], const float* C) {
  const int g = int(threadIdx.x) / 4, t = int(threadIdx.x) % 4;
  for (int i = 0; i < 4; ++i) c[i] = C[(g + 8 * (i / 2)) * 8 + 2 * t + i % 2];
}
__device__ inline void store_d(float* D, const float (&d)[4]) {
  const int g = int(threadIdx.x) / 4, t = int(threadIdx.x) % 4;
  for (int i = 0; i < 4; ++i) D[(g + 8 * (i / 2)) * 8 + 2 * t + i % 2] = d[i];
}

// A 16x8, B 8x8, C and D 16x8, row-major.
__global__ void mma_tf32_kernel(const float* A, const float* B, const float* C, float* D) {
  const int g = int(threadIdx.x) / 4, t = int(threadIdx.x) % 4;
  const uint32_t a[4] = {to_tf32(A[g * 8 + t]), to_tf32(A[(g + 8) * 8 + t]), to_tf32(A[g * 8 + t + 4]),
                         to_tf32(A[(g + 8) * 8 + t + 4])};
  const uint32_t b[2] = {to_tf32(B[t * 8 + g]), to_tf32(B[(t + 4) * 8 + g])};
  float c[4];
  load_c(c, C);
  mma_m16n8k8_tf32(c, a, b, c);
  store_d(D, c);
}

__device__ inline uint32_t bits_of(half v) { return __half_as_ushort(v); }
__device__ inline uint32_t bits_of(bfloat16 v) { return __bfloat16_as_ushort(v); }
template <class Element>
__device__ uint32_t pack(float low, float high) {
  return bits_of(from_float<Element>(low)) | bits_of(from_float<Element>(high)) << 16;
}

// A 16x16, B 16x8, C and D 16x8, row-major.
template <class Element>
__global__ void mma_16bit_kernel(const float* A, const float* B, const float* C, float* D) {
  const int g = int(threadIdx.x) / 4, t = int(threadIdx.x) % 4;
  uint32_t a[4], b[2];
  for (int r = 0; r < 4; ++r) {
    const float* at = A + (g + 8 * (r % 2)) * 16 + 2 * t + 8 * (r / 2);
    a[r] = pack<Element>(at[0], at[1]);
  }
  for (int r = 0; r < 2; ++r) {
    const float* at = B + (2 * t + 8 * r) * 8 + g;
    b[r] = pack<Element>(at[0], at[8]);
  }
  float c[4], d[4];
  load_c(c, C);
  if constexpr (std::is_same_v<Element, half>) {
    mma_m16n8k16_f16(d, a, b, c);
  } else {
    mma_m16n8k16_bf16(d, a, b, c);
  }
  store_d(D, d);
}

template <class Kernel>
std::string check_mma(Kernel kernel, int k_count) {
  DeviceArray<float> a(matrix(16, k_count, 1), "A"), b(matrix(k_count, 8, 2), "B"), c(matrix(16, 8, 5), "C");
  DeviceArray<float> d(16 * 8, "D");
  launch({dim3(1), dim3(32)}, kernel, a.data(), b.data(), c.data(), d.data());
  return difference(d.values(), product_plus_c(k_count));
}
inline std::string check_mma_tf32() { return check_mma(mma_tf32_kernel, 8); }
inline std::string check_mma_f16() { return check_mma(mma_16bit_kernel<half>, 16); }
inline std::string check_mma_bf16() { return check_mma(mma_16bit_kernel<bfloat16>, 16); }

__global__ void to_tf32_kernel(const float* x, uint32_t* bits) {
  bits[threadIdx.x] = to_tf32(x[threadIdx.x]);
}

inline std::string check_to_tf32() {
  // Below, at and above half of the last of 10 mantissa bits; ties go away from zero.
  DeviceArray<float> x(
      std::vector<float>{1.0f, 0x1.000ffep0f, 0x1.002p0f, -0x1.002p0f, 0x1.003p0f, 0x1.ffep0f, 0.0f, -3.5f},
      "x");
  DeviceArray<uint32_t> bits(8, "bits");
  launch({dim3(1), dim3(8)}, to_tf32_kernel, x.data(), bits.data());
  return difference(bits.values(), {0x3f800000u, 0x3f800000u, 0x3f802000u, 0xbf802000u, 0x3f802000u,
                                    0x40000000u, 0x00000000u, 0xc0600000u});
}

// The sum of a tf32 product whose factors have bits beyond the tenth: they are not looked at.
__global__ void tf32_low_bits_kernel(float* D) {
  const uint32_t one_and_low_bits = 0x3f801fffu;
  const uint32_t a[4] = {one_and_low_bits, one_and_low_bits, one_and_low_bits, one_and_low_bits};
  const uint32_t b[2] = {one_and_low_bits, one_and_low_bits};
  float d[4] = {};
  mma_m16n8k8_tf32(d, a, b, d);
  store_d(D, d);
}

inline std::string check_tf32_low_bits() {
  DeviceArray<float> d(16 * 8, "D");
  launch({dim3(1), dim3(32)}, tf32_low_bits_kernel, d.data());
  return difference(d.values(), std::vector<float>(16 * 8, 8.0f));
}

// 32 rows of 8 elements; element (row, column) is 8 row + column, so a register tells where its halves were.
// r: per lane, the registers of x4, x4_trans and x2 one after another.
__global__ void ldmatrix_kernel(uint32_t* r) {
  SHARED_ALIGNED(16, uint16_t, s, [32][8]);
  const int lane = int(threadIdx.x);
  for (int column = 0; column < 8; ++column) s[lane][column] = uint16_t(8 * lane + column);
  __syncwarp();
  uint32_t x4[4], trans[4], x2[2];
  ldmatrix_x4(x4, s[lane]);
  ldmatrix_x4_trans(trans, s[lane]);
  ldmatrix_x2(x2, s[lane % 16]);
  for (int i = 0; i < 4; ++i) r[lane * 10 + i] = x4[i];
  for (int i = 0; i < 4; ++i) r[lane * 10 + 4 + i] = trans[i];
  for (int i = 0; i < 2; ++i) r[lane * 10 + 8 + i] = x2[i];
}

inline std::string check_ldmatrix() {
  DeviceArray<uint32_t> r(32 * 10, "r");
  launch({dim3(1), dim3(32)}, ldmatrix_kernel, r.data());
  std::vector<uint32_t> want;
  const auto where = [](int row, int column) { return uint32_t(8 * row + column); };
  for (int lane = 0; lane < 32; ++lane) {
    const int g = lane / 4, t = lane % 4;
    for (int m = 0; m < 4; ++m) want.push_back(where(8 * m + g, 2 * t) | where(8 * m + g, 2 * t + 1) << 16);
    for (int m = 0; m < 4; ++m) want.push_back(where(8 * m + 2 * t, g) | where(8 * m + 2 * t + 1, g) << 16);
    for (int m = 0; m < 2; ++m) want.push_back(where(8 * m + g, 2 * t) | where(8 * m + g, 2 * t + 1) << 16);
  }
  return difference(r.values(), want);
}

}  // namespace gabor::simt::wrappers
