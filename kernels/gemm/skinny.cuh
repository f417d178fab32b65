// D[m,n] = sum over k of A[m,k] B[k,n] where one of M, N, K is at most 16: a dense layer of few outputs over a wide
// input, such as the last one of a classifier, whose tiles would be nearly empty.
//
// Tensors:  gemm.h. kVector wants the rows of the two wide matrices in whole quads (4 elements), aligned to a quad.
// Config:   kFew is M, N or K rounded up to 2, 4 or 16 (the memory roof hides the idle FLOP). A thread holds 4 kFew
//           operands or sums in registers.
//   skinny_n (fprop)  a block kRows rows of A and one part of k; threads stride along k, four elements at a time;
//                     then a fixed tree of shuffles and a sum over the warps. kRows kFew sums a thread.
//   skinny_k (dgrad)  a thread 4 columns of D, with its B in registers, for kRows rows; A's rows in shared memory.
//   skinny_m (wgrad)  a thread 4 columns of D in all rows, one part of k; A's rows in shared memory, 32 k at a time.
//   skinny_backward   the blocks of skinny_k and of skinny_m in one grid.
// Shared memory: up to 2 KB. Registers (sm_90): up to 128; 254 in skinny_n of 16, which leaves 8 warps a multiprocessor.
// Cost:     2 M N K FLOP. The wide matrix passes once (B of skinny_n also once from L2 for each kRows rows): kFew / 2
//           FLOP a byte in f32, so DRAM-bound on an H200 (balance 16) and on a GTX 1660 Ti (19). The article's dense
//           layer at N = 128 (219,040 inputs, 2 outputs) moves 112 MB a pass: floor 26 us on the one, 390 us on
//           the other.
// Rung:     beside the ladder. Its idea: no tile; stream the wide matrix and keep all of the narrow side at hand.
#pragma once
#include "kernels/gemm/params.cuh"

namespace gabor::gemm {

template <int kFew_>
struct SkinnyConfig {
  static constexpr int kFew = kFew_, kThreads = 128, kWarps = kThreads / 32;
  static constexpr int kColumns = 4 * kThreads;             // of D, of a block of skinny_k and skinny_m
  static constexpr int kRowsN = kFew <= 4 ? 32 / kFew : 4;  // of A, of a block of skinny_n
  static constexpr int kRowsAtOnce = 32;                    // of A in shared memory, of skinny_k and skinny_m
  static constexpr int kStepN = kColumns;  // elements of k that a block of skinny_n takes at once
  static_assert(kFew >= 2 && kFew <= kSkinny && (kFew & (kFew - 1)) == 0);
  static_assert(kRowsN * kFew <= 64, "sums in registers");
};

template <class Config, bool kVector, class P>
__global__ __launch_bounds__(Config::kThreads, 2) void skinny_n(P p) {
  constexpr int kRows = Config::kRowsN, kFew = Config::kFew;
  SHARED(float, warp_sums, [Config::kWarps][kRows * kFew]);
  const Share share{int(blockIdx.x), int(blockIdx.z)};
  const int m0 = share.tile * kRows, k_end = end_k(p, share.part), thread = int(threadIdx.x);
  float sum[kRows][kFew] = {};
  for (int k = first_k(p, share.part) + 4 * thread; k < k_end; k += Config::kStepN) {
    // Rows that are not there are the last one again, and their sums go nowhere: no load depends on a branch, so that
    // all are in flight at once.
    float b[kFew][4];
    GABOR_UNROLL
    for (int n = 0; n < kFew; ++n) load_quad<kVector>(b[n], p.b + b_offset(p, k, min(n, p.N - 1)), k_end - k);
    float a[kRows][4];
    GABOR_UNROLL
    for (int r = 0; r < kRows; ++r)
      load_quad<kVector>(a[r], p.a + a_offset(p, min(m0 + r, p.M - 1), k), k_end - k);
    GABOR_UNROLL
    for (int r = 0; r < kRows; ++r) GABOR_UNROLL
    for (int n = 0; n < kFew; ++n)
      for (int i = 0; i < 4; ++i) sum[r][n] += a[r][i] * b[n][i];
  }
  GABOR_UNROLL
  for (int r = 0; r < kRows; ++r) GABOR_UNROLL
  for (int n = 0; n < kFew; ++n) {
    float v = sum[r][n];
    for (int step = 16; step > 0; step /= 2) v += __shfl_xor_sync(simt::kFullMask, v, step);
    if (thread % 32 == 0) warp_sums[thread / 32][r * kFew + n] = v;
  }
  __syncthreads();
  if (thread < kRows * kFew) {
    const int m = m0 + thread / kFew, n = thread % kFew;
    float total = 0;
    for (int warp = 0; warp < Config::kWarps; ++warp) total += warp_sums[warp][thread];
    if (m < p.M && n < p.N) put(p, sums_of(p, share.part), m, n, total);
  }
  finish_tile<Config::kThreads, kRows, kFew>(p, share, m0, 0);
}

template <class Config>
using SkinnyRows = float[Config::kRowsAtOnce][Config::kFew];

// A(row, few) for the rows from `first` into shared memory, zeros beyond: row is m of skinny_k, k of skinny_m.
template <class Config, class P>
__device__ inline void stage_rows(SkinnyRows<Config>& rows, const P& p, int first, int row_end, int few_end) {
  for (int i = int(threadIdx.x); i < Config::kRowsAtOnce * Config::kFew; i += Config::kThreads) {
    const int row = i / Config::kFew, few = i % Config::kFew;
    const bool inside = first + row < row_end && few < few_end;
    rows[row][few] = inside ? simt::to_float(p.a[int64_t(first + row) * few_end + few]) : 0.0f;
  }
}

template <class Config, bool kVector, class P>
__device__ inline void skinny_k_block(const P& p, int across, int down, SkinnyRows<Config>& rows) {
  constexpr int kRows = Config::kRowsAtOnce, kFew = Config::kFew;
  const int n = across * Config::kColumns + 4 * int(threadIdx.x), m0 = down * kRows;
  stage_rows<Config>(rows, p, m0, p.M, p.K);
  float b[kFew][4];
  GABOR_UNROLL
  for (int k = 0; k < kFew; ++k) load_quad<kVector>(b[k], p.b + b_offset(p, k, n), k < p.K ? p.N - n : 0);
  __syncthreads();
  for (int r = 0; r < kRows && m0 + r < p.M; ++r) {
    float sum[4] = {};
    GABOR_UNROLL
    for (int k = 0; k < kFew; ++k)
      for (int i = 0; i < 4; ++i) sum[i] += rows[r][k] * b[k][i];
    put_quad<kVector>(p, nullptr, m0 + r, n, sum);
  }
}

template <class Config, bool kVector, class P>
__device__ inline void skinny_m_block(const P& p, const Share& share, SkinnyRows<Config>& rows) {
  constexpr int kRows = Config::kRowsAtOnce, kFew = Config::kFew;
  const int n0 = share.tile * Config::kColumns, n = n0 + 4 * int(threadIdx.x), k_end = end_k(p, share.part);
  const int column = kVector ? min(n, p.N - 4) : n;
  constexpr int kAtOnce = 8;
  float sum[kFew][4] = {};
  for (int k0 = first_k(p, share.part); k0 < k_end; k0 += kRows) {
    __syncthreads();  // all have read the rows of the step before
    stage_rows<Config>(rows, p, k0, k_end, p.M);
    __syncthreads();
    // Columns that are not there are the last ones again. Whole steps know their length: loads of kAtOnce rows are in
    // flight at once.
    for (int r0 = 0; r0 < kRows && k0 + r0 < k_end; r0 += kAtOnce) {
      float b[kAtOnce][4];
      const bool whole = k0 + r0 + kAtOnce <= k_end;
      GABOR_UNROLL
      for (int r = 0; r < kAtOnce; ++r)
        load_quad<kVector>(b[r], p.b + b_offset(p, whole ? k0 + r0 + r : min(k0 + r0 + r, k_end - 1), column),
                           kVector ? 4 : p.N - column);
      GABOR_UNROLL
      for (int r = 0; r < kAtOnce; ++r) {
        if (!whole && k0 + r0 + r >= k_end) continue;  // and not by 0: of an Inf that would be NaN
        GABOR_UNROLL
        for (int m = 0; m < kFew; ++m)
          for (int i = 0; i < 4; ++i) sum[m][i] += rows[r0 + r][m] * b[r][i];
      }
    }
  }
  float* const partial = sums_of(p, share.part);
  GABOR_UNROLL
  for (int m = 0; m < kFew; ++m) put_quad<kVector>(p, partial, m, n, sum[m]);
  finish_tile<Config::kThreads, kFew, Config::kColumns>(p, share, 0, n0);
}

template <class Config, bool kVector, class P>
__global__ __launch_bounds__(Config::kThreads) void skinny_k(P p) {
  SHARED(float, rows, [Config::kRowsAtOnce][Config::kFew]);
  skinny_k_block<Config, kVector>(p, int(blockIdx.x), int(blockIdx.y), rows);
}

template <class Config, bool kVector, class P>
__global__ __launch_bounds__(Config::kThreads) void skinny_m(P p) {
  SHARED(float, rows, [Config::kRowsAtOnce][Config::kFew]);
  skinny_m_block<Config, kVector>(p, {int(blockIdx.x), int(blockIdx.z)}, rows);
}

// Both gradients of a layer: the first `dx_blocks` blocks make dx, in the order of skinny_k's, the others dw and db.
template <class Config, bool kVector, class Dgrad, class Wgrad>
__global__ __launch_bounds__(Config::kThreads, 2) void skinny_backward(Dgrad dx, Wgrad dw, int dx_blocks) {
  SHARED(float, rows, [Config::kRowsAtOnce][Config::kFew]);
  const int block = int(blockIdx.x);
  if (block < dx_blocks) {
    const int across = simt::ceil_div(dx.N, Config::kColumns);
    skinny_k_block<Config, kVector>(dx, block % across, block / across, rows);
  } else {
    const int other = block - dx_blocks;
    skinny_m_block<Config, kVector>(dw, {other / dw.parts.count, other % dw.parts.count}, rows);
  }
}

}  // namespace gabor::gemm
