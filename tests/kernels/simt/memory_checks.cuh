// Thread indices, cp.async, atomics, results across blocks, dynamic shared memory, conversions.
#pragma once
#include "kernels/simt/check.h"

namespace gabor::simt::wrappers {

__global__ void index_kernel(int* out) {
  const unsigned block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
  const unsigned thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
  out[block * (blockDim.x * blockDim.y * blockDim.z) + thread] = int(block * 1000 + thread);
}

inline std::string check_indices() {
  DeviceArray<int> out(12 * 60, "out");
  launch({dim3(3, 2, 2), dim3(4, 3, 5)}, index_kernel, out.data());
  std::vector<int> want;
  for (int i = 0; i < 12 * 60; ++i) want.push_back(i / 60 * 1000 + i % 60);
  return difference(out.values(), want);
}

// Thread i copies element i of 32, of which the last bytes are not read but zero.
template <int kBytes>
__global__ void copy_kernel(const unsigned char* x, unsigned char* y, int src_bytes) {
  SHARED_ALIGNED(16, unsigned char, s, [32][kBytes]);
  const int i = int(threadIdx.x);
  cp_async<kBytes>(s[i], x + i * kBytes, src_bytes);
  cp_async_commit();
  cp_async_wait<0>();
  __syncthreads();
  const int other = 31 - i;  // another thread's copy
  for (int byte = 0; byte < kBytes; ++byte) y[other * kBytes + byte] = s[other][byte];
}

template <int kBytes>
std::string check_copy(int src_bytes) {
  std::vector<unsigned char> values, want;
  for (int i = 0; i < 32 * kBytes; ++i) {
    values.push_back(static_cast<unsigned char>(i * 37 + 11));
    want.push_back(i % kBytes < src_bytes ? values.back() : 0);
  }
  DeviceArray<unsigned char> x(values, "x"), y(32 * kBytes, "y");
  launch({dim3(1), dim3(32)}, copy_kernel<kBytes>, x.data(), y.data(), src_bytes);
  return difference(y.values(), want);
}
inline std::string check_copies() {
  for (const std::string& why : {check_copy<16>(16), check_copy<16>(6), check_copy<16>(0), check_copy<8>(8),
                                 check_copy<8>(4), check_copy<4>(4), check_copy<4>(0)})
    if (!why.empty()) return why;
  return "";
}

// Three groups under way, consumed in order.
__global__ void pipeline_kernel(const float* x, float* y) {
  SHARED_ALIGNED(16, float, s, [3][32]);
  const int i = int(threadIdx.x);
  for (int stage = 0; stage < 3; ++stage) {
    cp_async<4>(&s[stage][i], x + 32 * stage + i);
    cp_async_commit();
  }
  cp_async_wait<2>();
  float sum = s[0][i];
  cp_async_wait<1>();
  sum += 10 * s[1][i];
  cp_async_wait<0>();
  y[i] = sum + 100 * s[2][i];
}

inline std::string check_pipeline() {
  std::vector<float> values, want;
  for (int i = 0; i < 96; ++i) values.push_back(float(i % 7));
  for (size_t i = 0; i < 32; ++i) want.push_back(values[i] + 10 * values[32 + i] + 100 * values[64 + i]);
  DeviceArray<float> x(values, "x"), y(32, "y");
  launch({dim3(1), dim3(32)}, pipeline_kernel, x.data(), y.data());
  return difference(y.values(), want);
}

// cells: sum, minimum, maximum, and, or, xor, exchanged, increments by compare and swap.
__global__ void atomic_kernel(int* cells, unsigned* more, unsigned long long* wide) {
  const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
  atomicAdd(&cells[0], 2);
  atomicMin(&cells[1], -i);
  atomicMax(&cells[2], i);
  atomicAnd(&more[0], ~(1u << threadIdx.x));
  atomicOr(&more[1], 1u << (threadIdx.x % 8));
  atomicXor(&more[2], 1u << threadIdx.x);
  atomicExch(&more[3], 77u);
  unsigned old = 0;
  for (unsigned expected = atomicAdd(&more[4], 0u);
       (old = atomicCAS(&more[4], expected, expected + 1)) != expected;)
    expected = old;
  atomicAdd(wide, 1ull << 33);
}

inline std::string check_atomics() {
  DeviceArray<int> cells(std::vector<int>{0, 5, -5}, "cells");
  DeviceArray<unsigned> more(std::vector<unsigned>{kFullMask, 0, 0, 1, 0}, "more");
  DeviceArray<unsigned long long> wide(std::vector<unsigned long long>{1}, "wide");
  launch({dim3(3), dim3(32)}, atomic_kernel, cells.data(), more.data(), wide.data());
  std::string why = difference(cells.values(), {192, -95, 95});
  if (why.empty()) why = difference(more.values(), {0u, 0xffu, kFullMask, 77u, 96u});
  if (why.empty()) why = difference(wide.values(), {1ull + 96 * (1ull << 33)});
  return why;
}

// Sums 64 integers a block; the last block adds up the blocks' sums.
__global__ void sum_kernel(const int* x, int* partial, unsigned* done, int* total) {
  const int sum = reduce_add(kFullMask, x[blockIdx.x * 32 + threadIdx.x]);
  if (threadIdx.x != 0) return;
  partial[blockIdx.x] = sum;
  if (!last_block(done, gridDim.x)) return;
  int all = 0;
  for (unsigned block = 0; block < gridDim.x; ++block) all += partial[block];
  *total = all;
}

inline std::string check_last_block() {
  std::vector<int> values;
  for (int i = 0; i < 5 * 32; ++i) values.push_back(i);
  DeviceArray<int> x(values, "x"), partial(5, "partial"), total(1, "total");
  DeviceArray<unsigned> done(std::vector<unsigned>{0}, "done");
  std::string why;
  for (int turn = 0; turn < 2 && why.empty(); ++turn) {  // the counter is 0 again
    launch({dim3(5), dim3(32)}, sum_kernel, x.data(), partial.data(), done.data(), total.data());
    why = difference(total.values(), {159 * 160 / 2});
    if (why.empty()) why = difference(done.values(), {0u});
  }
  return why;
}

// More dynamic shared memory than a kernel gets without asking.
__global__ void dynamic_shared_kernel(float* y, int count) {
  DYN_SHARED(float, s);
  for (int i = int(threadIdx.x); i < count; i += 64) s[i] = float(i);
  __syncthreads();
  if (threadIdx.x == 0) *y = s[0] + s[count - 1];
}

inline std::string check_dynamic_shared() {
  constexpr int kCount = 60 * 1024 / 4;
  DeviceArray<float> y(1, "y");
  launch({dim3(1), dim3(64), kCount * sizeof(float)}, dynamic_shared_kernel, y.data(), kCount);
  return difference(y.values(), {float(kCount - 1)});
}

__global__ void convert_kernel(const float* x, unsigned* bits, float* back) {
  const int i = int(threadIdx.x);
  const half h = from_float<half>(x[i]);
  const bfloat16 b = from_float<bfloat16>(x[i]);
  bits[i] = unsigned(__half_as_ushort(h)) << 16 | __bfloat16_as_ushort(b);
  back[2 * i] = to_float(h);
  back[2 * i + 1] = to_float(b);
}

inline std::string check_conversions() {
  // 1; a tie to even down, and up; the largest half; the first too large; a subnormal half and half of the least.
  DeviceArray<float> x(
      std::vector<float>{1.0f, 0x1.002p0f, 0x1.006p0f, 65504.0f, 65520.0f, 0x1p-24f, 0x1p-25f, -2.5f}, "x");
  DeviceArray<unsigned> bits(8, "bits");
  DeviceArray<float> back(16, "back");
  launch({dim3(1), dim3(8)}, convert_kernel, x.data(), bits.data(), back.data());
  std::string why = difference(bits.values(), {0x3c003f80u, 0x3c003f80u, 0x3c023f80u, 0x7bff4780u,
                                               0x7c004780u, 0x00013380u, 0x00003300u, 0xc100c020u});
  const float infinity = HUGE_VALF;
  if (why.empty())
    why = difference(back.values(), {1.0f, 1.0f, 1.0f, 1.0f, 0x1.008p0f, 1.0f, 65504.0f, 65536.0f, infinity,
                                     65536.0f, 0x1p-24f, 0x1p-24f, 0.0f, 0x1p-25f, -2.5f, -2.5f});
  return why;
}

}  // namespace gabor::simt::wrappers
