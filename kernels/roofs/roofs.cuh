// What a GPU can do at most: a copy that streams through DRAM, and multiply-adds that never leave the registers.
//
//   copy           y[i] = x[i], 16 bytes a thread and step, as far apart as the grid is wide; the last bytes one by one
//   multiply-add   chain[c] = chain[c] 0.5 + 0.5, from 1 + c: the values stay near 1, far from denormal numbers
//   matrix         tile[c] += a b, from c, with each product 1/8: every round adds kDepth / 8 to each element
// A thread owns kChains chains, a warp kTiles matrices of 16x8 sums: enough independent instructions, with the other warps
// of a multiprocessor, that none waits for the one before. Each thread writes what its chains add up to, so that nothing can
// be left out; that store is all the memory there is. No shared memory; at most 48 registers.
// FLOPs: 2 kChains a thread and round; 2 * 16 * 8 * kDepth * kTiles a warp and round, kDepth 8 (TF32) or 16 (half, bfloat16).
#pragma once
#include "kernels/common/multiply_add.cuh"
#include "kernels/common/unroll.cuh"

namespace gabor::kernels {

struct RoofConfig {
  static constexpr int kThreads = 256;
  static constexpr int kChains = 16, kTiles = 8;
  static_assert(kThreads % 32 == 0);
};

// Products along a matrix instruction.
template <class Element>
inline constexpr int kDepth = sizeof(Element) == 4 ? 8 : 16;

template <class Config>
__global__ void __launch_bounds__(Config::kThreads)
    copy_kernel(const unsigned char* x, unsigned char* y, int64_t bytes) {
  constexpr int kVector = sizeof(float4);
  const int64_t thread = int64_t(blockIdx.x) * Config::kThreads + threadIdx.x;
  const int64_t step = int64_t(gridDim.x) * Config::kThreads, vectors = bytes / kVector;
  for (int64_t i = thread; i < vectors; i += step)
    simt::store(y + i * kVector, simt::load<float4>(x + i * kVector));
  for (int64_t i = vectors * kVector + thread; i < bytes; i += step) y[i] = x[i];
}

template <class Config>
__global__ void __launch_bounds__(Config::kThreads)
    ffma_kernel(int rounds, float factor, float term, float* sums) {
  float chain[Config::kChains];
  GABOR_UNROLL
  for (int c = 0; c < Config::kChains; ++c) chain[c] = 1.0f + float(c);
  for (int round = 0; round < rounds; ++round) {
    GABOR_UNROLL
    for (int c = 0; c < Config::kChains; ++c) chain[c] = fmaf(chain[c], factor, term);
  }
  float total = 0;
  GABOR_UNROLL
  for (int c = 0; c < Config::kChains; ++c) total += chain[c];
  sums[int64_t(blockIdx.x) * Config::kThreads + threadIdx.x] = total;
}

// a, b: a register of operands each, of equal elements.
template <class Config, class Element>
__global__ void __launch_bounds__(Config::kThreads)
    matrix_kernel(int rounds, uint32_t a_bits, uint32_t b_bits, float* sums) {
  const uint32_t a[4] = {a_bits, a_bits, a_bits, a_bits}, b[2] = {b_bits, b_bits};
  float tile[Config::kTiles][4];
  GABOR_UNROLL
  for (int t = 0; t < Config::kTiles; ++t)
    for (float& v : tile[t]) v = float(t);
  for (int round = 0; round < rounds; ++round) {
    GABOR_UNROLL
    for (int t = 0; t < Config::kTiles; ++t) multiply_add<Element>(tile[t], a, b);
  }
  float total = 0;
  GABOR_UNROLL
  for (int t = 0; t < Config::kTiles; ++t) total += tile[t][0] + tile[t][1] + tile[t][2] + tile[t][3];
  sums[int64_t(blockIdx.x) * Config::kThreads + threadIdx.x] = total;
}

}  // namespace gabor::kernels
