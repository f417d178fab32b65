// One loop for all functions of elements: out[i] = f(in0[i], in1[i], ...).
//
// in, out: `count` elements, contiguous; out may be one of the inputs (a thread reads its elements before it writes
// them). kVector = 1 takes any alignment; kVector = 4 pointers aligned to 4 elements and any count: the last thread
// takes what is left one by one.
// A thread owns kVector neighbouring elements, a warp 32 * kVector: each access of a warp covers whole lines. No
// shared memory; at most 22 registers for sums, 45 for activations.
// Bytes: (inputs + 1) * sizeof(Element) per element; FLOPs: 1 to about 40 (gelu's slope), so at most 4 per byte:
// DRAM-bound on an H200 (turns at 14) and on a GTX 1660 Ti (19). relu on 1 M floats, 8 MB: 1.7 us and 29 us. What a
// kernel of its own costs is this traffic: fused as an epilogue it costs none.
#pragma once
#include "kernels/common/pack.h"

namespace gabor::kernels {

template <int kVector_>
struct LoopConfig {
  static constexpr int kThreads = 256;
  static constexpr int kVector = kVector_;
  static_assert(kThreads % 32 == 0);
  static_assert(kVector == 1 || kVector == 4);  // 4 floats: 128 bits
};

template <class Element, int kInputs>
struct LoopParams {
  int64_t count;
  const Element* in[kInputs];
  Element* out;
};

// F: kInputs, and float operator()(const float (&in)[kInputs]).
template <class Config, class F, class Element>
__global__ void __launch_bounds__(Config::kThreads) elementwise_loop(F f, LoopParams<Element, F::kInputs> g) {
  constexpr int kVector = Config::kVector;
  const int64_t first = (int64_t(blockIdx.x) * Config::kThreads + threadIdx.x) * kVector;
  if (first + kVector <= g.count) {
    float in[F::kInputs][kVector], out[kVector];
#pragma unroll
    for (int j = 0; j < F::kInputs; ++j) load_floats(g.in[j] + first, in[j]);
#pragma unroll
    for (int i = 0; i < kVector; ++i) {
      float v[F::kInputs];
#pragma unroll
      for (int j = 0; j < F::kInputs; ++j) v[j] = in[j][i];
      out[i] = f(v);
    }
    store_floats(g.out + first, out);
    return;
  }
  for (int64_t i = first; i < g.count; ++i) {
    float v[F::kInputs];
#pragma unroll
    for (int j = 0; j < F::kInputs; ++j) v[j] = simt::to_float(g.in[j][i]);
    g.out[i] = simt::from_float<Element>(f(v));
  }
}

}  // namespace gabor::kernels
