// Inverted dropout by counter-based random numbers: nothing is saved, the backward draws the same mask again.
//
//   y[i] (+)= keep[i] ? factor * x[i] : 0,  keep[i] = word i%4 of Philox4x32-10(counter i/4) / 2^32 (24 bits) >= rate
// x, y: `count` elements; y may be x. A thread owns one Philox block, 4 elements: the unit of the random stream is also
// the unit of a 128-bit access, which Config::kVector = 4 makes (pointers aligned to 4 elements); 1: any alignment.
// No shared memory; about 30 registers.
// 20 wide multiplications and 40 other integer operations a block of 4, for 8 bytes an element: about 25 operations an
// element. DRAM-bound on an H200; a GTX 1660 Ti (2.7 T operations/s, 36 G elements/s at 288 GB/s, so 75 operations an
// element) has room as well.
// Source of Philox: Salmon, Moraes, Dror, Shaw, SC 2011; the same numbers as core/philox.h.
#pragma once
#include "kernels/common/pack.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/elementwise/loop.cuh"

namespace gabor::kernels {

template <class Element>
struct DropoutParams {
  int64_t count;
  float rate, factor;  // factor = 1 / (1 - rate)
  DropoutKey key;
  const StepValues* values;
  bool accumulate;
  const Element* x;
  Element* y;
};

// The four words of block i.
__device__ inline void philox4x32_10(const DropoutKey& k, const StepValues& values, uint32_t i,
                                     uint32_t (&word)[4]) {
  const uint64_t step = values.step;
  word[0] = i;
  word[1] = k.layer + ((values.first_chunk + k.chunk) << kDropoutLayerBits);
  word[2] = uint32_t(step);
  word[3] = (uint32_t(step >> 32) << 8) | k.purpose;
  uint32_t key0 = k.seed_low, key1 = k.seed_high;
#pragma unroll
  for (int round = 0; round < 10; ++round) {
    const uint32_t high0 = __umulhi(0xD2511F53u, word[0]), low0 = 0xD2511F53u * word[0];
    const uint32_t high1 = __umulhi(0xCD9E8D57u, word[2]), low1 = 0xCD9E8D57u * word[2];
    word[0] = high1 ^ word[1] ^ key0;
    word[1] = low1;
    word[2] = high0 ^ word[3] ^ key1;
    word[3] = low0;
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
}

template <class Config, class Element>
__global__ void __launch_bounds__(Config::kThreads) dropout_blocks(DropoutParams<Element> g) {
  const int64_t block = int64_t(blockIdx.x) * Config::kThreads + threadIdx.x, first = 4 * block;
  if (first >= g.count) return;
  uint32_t word[4];
  philox4x32_10(g.key, *g.values, uint32_t(block), word);
  bool keep[4];
#pragma unroll
  for (int i = 0; i < 4; ++i) keep[i] = float(word[i] >> 8) * 0x1p-24f >= g.rate;

  if (Config::kVector == 4 && first + 4 <= g.count) {
    float v[4], before[4] = {};
    load_floats(g.x + first, v);
    if (g.accumulate) load_floats(g.y + first, before);
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const float d = keep[i] ? g.factor * v[i] : 0.0f;
      v[i] = g.accumulate ? before[i] + d : d;
    }
    store_floats(g.y + first, v);
    return;
  }
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    if (first + i >= g.count) continue;
    const float d = keep[i] ? g.factor * simt::to_float(g.x[first + i]) : 0.0f;
    g.y[first + i] = simt::from_float<Element>(g.accumulate ? simt::to_float(g.y[first + i]) + d : d);
  }
}

}  // namespace gabor::kernels
