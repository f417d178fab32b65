// Shuffles, votes, reductions, matches and barriers against what CUDA's manual says of each lane.
#pragma once
#include "kernels/simt/check.h"

namespace gabor::simt::wrappers {

__global__ void shuffle_kernel(int* out) {
  const int lane = int(threadIdx.x);
  int* o = out + lane * 8;
  o[0] = __shfl_sync(kFullMask, lane, 5);
  o[1] = __shfl_sync(kFullMask, lane, 3, 8);
  o[2] = __shfl_up_sync(kFullMask, lane, 3u);
  o[3] = __shfl_up_sync(kFullMask, lane, 3u, 8);
  o[4] = __shfl_down_sync(kFullMask, lane, 4u);
  o[5] = __shfl_down_sync(kFullMask, lane, 4u, 16);
  o[6] = __shfl_xor_sync(kFullMask, lane, 17);
  o[7] = __shfl_xor_sync(kFullMask, lane, 9, 8);
}

inline std::string check_shuffles() {
  DeviceArray<int> out(32 * 8, "out");
  launch({dim3(1), dim3(32)}, shuffle_kernel, out.data());
  std::vector<int> want;
  for (int l = 0; l < 32; ++l) {
    const int in_8 = l % 8, flipped = l ^ 9;
    for (int v : {5, l - in_8 + 3, l < 3 ? l : l - 3, in_8 < 3 ? l : l - 3, l + 4 < 32 ? l + 4 : l,
                  l % 16 + 4 < 16 ? l + 4 : l, l ^ 17, flipped < l - in_8 + 8 ? flipped : l})
      want.push_back(v);
  }
  return difference(out.values(), want);
}

__global__ void vote_kernel(unsigned* out) {
  const int lane = int(threadIdx.x);
  unsigned* o = out + lane * 4;
  o[0] = __ballot_sync(kFullMask, lane % 3 == 0);
  if (lane < 16) {  // two halves that do not wait for each other
    o[1] = __ballot_sync(0x0000ffffu, lane & 1);
  } else {
    o[1] = __ballot_sync(0xffff0000u, lane & 2);
  }
  o[2] =
      unsigned(__any_sync(kFullMask, lane == 31) != 0) + 2 * unsigned(__any_sync(kFullMask, lane == 32) != 0);
  o[3] =
      unsigned(__all_sync(kFullMask, lane < 31) != 0) + 2 * unsigned(__all_sync(kFullMask, lane < 32) != 0);
}

inline std::string check_votes() {
  DeviceArray<unsigned> out(32 * 4, "out");
  launch({dim3(1), dim3(32)}, vote_kernel, out.data());
  std::vector<unsigned> want;
  for (int l = 0; l < 32; ++l)
    for (unsigned v : {0x49249249u, l < 16 ? 0x0000aaaau : 0xcccc0000u, 1u, 2u}) want.push_back(v);
  return difference(out.values(), want);
}

__global__ void reduce_kernel(int* out) {
  const int lane = int(threadIdx.x), v = (lane * 13) % 32 - 10;
  int* o = out + lane * 5;
  o[0] = reduce_add(kFullMask, v);
  o[1] = reduce_min(kFullMask, v);
  o[2] = reduce_max(kFullMask, v);
  o[3] = int(reduce_add(kFullMask, unsigned(lane)));
  const unsigned odd = 0xaaaaaaaau;
  o[4] = lane % 2 == 1 ? reduce_max(odd, -lane) : reduce_add(~odd, lane);
}

inline std::string check_reductions() {
  DeviceArray<int> out(32 * 5, "out");
  launch({dim3(1), dim3(32)}, reduce_kernel, out.data());
  std::vector<int> want;
  for (int l = 0; l < 32; ++l)
    for (int v : {176, -10, 21, 496, l % 2 == 1 ? -1 : 240}) want.push_back(v);
  return difference(out.values(), want);
}

__global__ void match_kernel(unsigned* out) { out[threadIdx.x] = match_any(kFullMask, int(threadIdx.x % 5)); }

inline std::string check_match() {
  DeviceArray<unsigned> out(32, "out");
  launch({dim3(1), dim3(32)}, match_kernel, out.data());
  std::vector<unsigned> want;
  for (int l = 0; l < 32; ++l) {
    unsigned equal = 0;
    for (int other = l % 5; other < 32; other += 5) equal |= 1u << other;
    want.push_back(equal);
  }
  return difference(out.values(), want);
}

// 40 threads: the second warp is partial.
__global__ void barrier_votes_kernel(int* out) {
  const int thread = int(threadIdx.x);
  const int count = __syncthreads_count(thread < 37);
  const int all = __syncthreads_and(thread >= 0) != 0;
  const int all_but_one = __syncthreads_and(thread != 39) != 0;
  const int one = __syncthreads_or(thread == 39) != 0;
  const int none = __syncthreads_or(thread == 40) != 0;
  out[thread] = 10000 * count + 1000 * all + 100 * all_but_one + 10 * one + none;
}

inline std::string check_barrier_votes() {
  DeviceArray<int> out(40, "out");
  launch({dim3(1), dim3(40)}, barrier_votes_kernel, out.data());
  return difference(out.values(), std::vector<int>(40, 371010));
}

// Turns a row of 64 around through shared memory: two warps, and a warp's lanes, exchange data.
template <int kSize>
__global__ void reverse_kernel(const float* x, float* y) {
  SHARED(float, s, [kSize]);
  SHARED(float, offset);
  const int i = int(threadIdx.x);
  s[i] = x[i];
  if (i == 0) offset = float(100 * blockIdx.x);
  __syncthreads();
  y[blockIdx.x * kSize + threadIdx.x] = s[kSize - 1 - i] + offset;
}

inline std::string check_shared_exchange() {
  std::vector<float> values, want;
  for (int i = 0; i < 64; ++i) values.push_back(float(i));
  for (int block = 0; block < 3; ++block)
    for (int i = 0; i < 64; ++i) want.push_back(float(63 - i + 100 * block));
  DeviceArray<float> x(values, "x"), y(3 * 64, "y");
  launch({dim3(3), dim3(64)}, reverse_kernel<64>, x.data(), y.data());
  return difference(y.values(), want);
}

}  // namespace gabor::simt::wrappers
