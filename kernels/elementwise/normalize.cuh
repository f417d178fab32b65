// Bytes of a decoded picture to the net's input: y[i] = float(x[i]) * scale[i % C] + shift[i % C], by one fused
// multiply-add, rounded to Element.
//
// x: `count` bytes, aligned to 4 if Config::kVector = 4 (1: any); y: `count` elements, aligned to 4 of them (or any). C <= 4.
// A thread owns 4 packs of kVector elements, kThreads packs apart, and loads all before it stores: 4 loads in flight. A
// pack is 4 bytes in and 4 elements (float: 16 bytes) out, so that a warp's store covers 4 whole lines; 16 bytes in would
// make its four stores 64 bytes apart from lane to lane, half-filled sectors, and stores are four fifths of the traffic.
// No shared memory; about 40 registers.
// 2 FLOP and about 10 integer operations for 5 bytes: DRAM-bound on an H200 (4.8 TB/s) and on a GTX 1660 Ti (288 GB/s):
// the article's batch of 128 300x300x3 pictures is 173 MB, 36 us and 0.6 ms. The fused first block does without it.
#pragma once
#include "kernels/common/pack.h"

namespace gabor::kernels {

template <int kVector_>
struct NormalizeConfig {
  static constexpr int kThreads = 256;
  static constexpr int kVector = kVector_;
  static constexpr int kPacks = 4;                               // a thread
  static constexpr int kElements = kThreads * kPacks * kVector;  // a block
  static_assert(kVector == 1 || kVector == 4);
};

template <class Element>
struct NormalizeParams {
  int64_t count;
  unsigned C;
  float scale[4], shift[4];
  const uint8_t* x;
  Element* y;
};

// Without an indexed read of the parameters, which would go through local memory.
__device__ inline float pick(const float (&v)[4], unsigned c) {
  return c == 0 ? v[0] : c == 1 ? v[1] : c == 2 ? v[2] : v[3];
}

template <class Config, class Element>
__global__ void __launch_bounds__(Config::kThreads) normalize_bytes(NormalizeParams<Element> g) {
  using Bytes = Pack<uint8_t, Config::kVector>;
  constexpr int kVector = Config::kVector;
  const int64_t start = int64_t(blockIdx.x) * Config::kElements + int64_t(threadIdx.x) * kVector;
  Bytes bytes[Config::kPacks] = {};
#pragma unroll
  for (int pack = 0; pack < Config::kPacks; ++pack) {
    const int64_t first = start + int64_t(pack) * Config::kThreads * kVector;
    if (first + kVector <= g.count) {
      bytes[pack] = simt::load<Bytes>(g.x + first);
    } else {
#pragma unroll
      for (int i = 0; i < kVector; ++i)
        if (first + i < g.count) bytes[pack].e[i] = g.x[first + i];
    }
  }
#pragma unroll
  for (int pack = 0; pack < Config::kPacks; ++pack) {
    const int64_t first = start + int64_t(pack) * Config::kThreads * kVector;
    unsigned c = unsigned(first % g.C);
    float v[kVector];
#pragma unroll
    for (int i = 0; i < kVector; ++i) {
      v[i] = __fmaf_rn(float(bytes[pack].e[i]), pick(g.scale, c), pick(g.shift, c));
      c = c + 1 == g.C ? 0 : c + 1;
    }
    if (first + kVector <= g.count) {
      store_floats(g.y + first, v);
    } else {
#pragma unroll
      for (int i = 0; i < kVector; ++i)
        if (first + i < g.count) g.y[first + i] = simt::from_float<Element>(v[i]);
    }
  }
}

}  // namespace gabor::kernels
