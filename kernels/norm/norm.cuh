// Norm and finiteness of a flat gradient arena, and its scaling by what they are.
//
//   norm = sqrt(sum of g[i]^2), nonfinite = number of i whose g[i] is NaN or infinite
// g: `count` elements, aligned to kVector of them. Its idea: squares are summed in float without overflow, and without
// double (a 1/32 or 1/64 of float's rate on GeForce cards), by two accumulators of different scale:
//   |g| >= 2^20: big += (g 2^-80)^2, at most 2^96 a term;   else: rest += (g 2^28)^2, of full precision from 2^-91 on
// so that neither overflows with 2^31 terms. Two scales and no pass for the maximum: Blue, "A portable Fortran program
// to find the Euclidean norm of a vector", ACM TOMS 4 (1978), which has three, for terms below 2^-91 too.
// A thread owns groups of kVector elements, as far apart as the grid is wide, and has kLoads of them in flight; the
// threads' sums meet by shuffles, the warps' in shared memory (96 bytes), the blocks' in a second launch of one block.
// The number of blocks, and so the order of additions, depends on count and Config alone. Rungs: kVector 1, kLoads 1
// (naive); 128-bit loads, 4 in flight (vector). At most 44 registers (60 in the last launch).
// sizeof(Element) bytes and about 6 FLOP an element: DRAM-bound on an H200 (turns at 14 FLOP/byte) and on a GTX 1660 Ti
// (19). The article's 438,842 parameters: 1.8 MB, 0.4 us at 4.3 TB/s (so: two launches) and 6 us at 288 GB/s.
#pragma once
#include "kernels/common/pack.h"
#include "kernels/common/unroll.cuh"
#include "kernels/norm/norm.h"

namespace gabor::kernels {

template <int kVector_, int kLoads_>
struct NormConfig {
  static constexpr int kThreads = 256;
  static constexpr int kVector = kVector_;
  static constexpr int kLoads = kLoads_;  // of a thread, in flight
  static constexpr int kMostBlocks = 1024;
  static_assert(kThreads % 32 == 0);
};

struct Squares {
  float big, rest;
  int nonfinite;

  __device__ __forceinline__ void take(float v) {
    const float size = fabsf(v);
    const bool finite = size < INFINITY, is_big = size >= 0x1p20f;
    const float scaled = finite ? v * (is_big ? 0x1p-80f : 0x1p28f) : 0.0f;
    big += is_big ? scaled * scaled : 0.0f;
    rest += is_big ? 0.0f : scaled * scaled;
    nonfinite += !finite;
  }
  __device__ __forceinline__ void add(const Squares& other) {
    big += other.big, rest += other.rest, nonfinite += other.nonfinite;
  }
  __device__ NormResult result() const {
    if (nonfinite > 0) return {NAN, nonfinite};
    if (big == 0.0f) return {sqrtf(rest) * 0x1p-28f, 0};
    return {sqrtf(big + rest * 0x1p-108f * 0x1p-108f) * 0x1p80f, 0};  // the units of rest: 2^-216 of big's
  }
};

// The sum over a block, in thread 0: lanes by a tree of shuffles, then the warps from first to last. Called once a
// kernel, by all threads.
template <int kThreads>
__device__ inline Squares block_squares(Squares s) {
  constexpr int kWarps = kThreads / 32;
  SHARED(Squares, warps, [kWarps]);
  for (int flip = 16; flip > 0; flip /= 2)
    s.add({__shfl_xor_sync(simt::kFullMask, s.big, flip), __shfl_xor_sync(simt::kFullMask, s.rest, flip),
           __shfl_xor_sync(simt::kFullMask, s.nonfinite, flip)});
  if (threadIdx.x % 32 == 0) warps[threadIdx.x / 32] = s;
  __syncthreads();
  if (threadIdx.x == 0)
    for (int w = 1; w < kWarps; ++w) s.add(warps[w]);
  return s;
}

template <class Config, class Element>
__global__ void __launch_bounds__(Config::kThreads)
    sum_squares(int64_t count, const Element* g, Squares* blocks) {
  constexpr int kVector = Config::kVector, kLoads = Config::kLoads;
  const int64_t step = int64_t(gridDim.x) * Config::kThreads * kVector;
  int64_t at = (int64_t(blockIdx.x) * Config::kThreads + threadIdx.x) * kVector;
  Squares s = {};
  for (; at + (kLoads - 1) * step + kVector <= count; at += kLoads * step) {
    float v[kLoads][kVector];
    GABOR_UNROLL
    for (int i = 0; i < kLoads; ++i) load_floats(g + at + i * step, v[i]);
    GABOR_UNROLL
    for (int i = 0; i < kLoads; ++i) {
      GABOR_UNROLL
      for (int j = 0; j < kVector; ++j) s.take(v[i][j]);
    }
  }
  for (; at < count; at += step)
    for (int64_t i = at; i < at + kVector && i < count; ++i) s.take(simt::to_float(g[i]));
  s = block_squares<Config::kThreads>(s);
  if (threadIdx.x == 0) blocks[blockIdx.x] = s;
}

// Grid: one block.
template <class Config>
__global__ void __launch_bounds__(Config::kThreads)
    finish_norm(int count, const Squares* blocks, NormResult* result) {
  Squares s = {};
  for (int b = int(threadIdx.x); b < count; b += Config::kThreads) s.add(blocks[b]);
  s = block_squares<Config::kThreads>(s);
  if (threadIdx.x == 0) *result = s.result();
}

// g *= max_norm / norm, if that is below 1 and all of g is finite; else no memory is touched but the result. One thread
// a group of kVector elements.
template <class Config, class Element>
__global__ void __launch_bounds__(Config::kThreads)
    scale_elements(int64_t count, Element* g, const NormResult* result, float max_norm) {
  constexpr int kVector = Config::kVector;
  const NormResult r = *result;
  if (r.nonfinite != 0 || !(r.norm > max_norm)) return;
  const float factor = max_norm / r.norm;
  const int64_t at = (int64_t(blockIdx.x) * Config::kThreads + threadIdx.x) * kVector;
  if (at + kVector <= count) {
    float v[kVector];
    load_floats(g + at, v);
    GABOR_UNROLL
    for (int i = 0; i < kVector; ++i) v[i] *= factor;
    store_floats(g + at, v);
  } else {
    for (int64_t i = at; i < count; ++i) g[i] = simt::from_float<Element>(simt::to_float(g[i]) * factor);
  }
}

}  // namespace gabor::kernels
