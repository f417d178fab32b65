// y[i] = x[i], rounded from float to Element, a 16-bit type: the weights' copy that products read.
//
// x: `count` floats; y: as many of Element. kVector = 1 takes any alignment; kVector = 4 pointers aligned to 4 elements
// and any count: the last thread takes what is left one by one.
// A thread owns kVector neighbouring elements: 128 bits in, 64 out. No shared memory; at most 20 registers.
// 6 bytes an element and no FLOP: DRAM-bound everywhere. The article's 438,842 parameters: 2.6 MB, 0.6 us at 4.3 TB/s
// (so: a launch) and 9 us at 288 GB/s.
#pragma once
#include "kernels/common/pack.h"
#include "kernels/elementwise/loop.cuh"

namespace gabor::kernels {

template <class Config, class Element>
__global__ void __launch_bounds__(Config::kThreads) cast_elements(int64_t count, const float* x, Element* y) {
  constexpr int kVector = Config::kVector;
  const int64_t first = (int64_t(blockIdx.x) * Config::kThreads + threadIdx.x) * kVector;
  if (first + kVector <= count) {
    float v[kVector];
    load_floats(x + first, v);
    store_floats(y + first, v);
    return;
  }
  for (int64_t i = first; i < count; ++i) y[i] = simt::from_float<Element>(x[i]);
}

}  // namespace gabor::kernels
