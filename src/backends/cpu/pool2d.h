// The two kernels of pooling, and the geometry they share.
#pragma once
#include <algorithm>
#include <cstdint>

#include "core/problem/pool2d.h"

namespace gabor::cpu {

// The taps of the window at one output position that lie in x: first <= tap < last; tap 0 is at `start`.
struct Taps {
  int64_t start, first, last;
};
inline Taps taps_at(int64_t position, int64_t stride, int64_t before, int64_t window, int64_t extent) {
  const int64_t start = position * stride - before;
  return {start, std::max<int64_t>(0, -start), std::min(window, extent - start)};
}

// Rows [begin, end) of y, counted n * P + p. argmax (u8 or i32 as p.argmax_dtype() says) may be null.
void pool2d_forward(const Pool2dProblem& p, const float* x, float* y, void* argmax, int64_t begin,
                    int64_t end);

// Rows [begin, end) of dx, counted n * H + h. Each row gathers from the windows that cover it, so that rows
// are independent and their sums have one order.
void pool2d_backward(const Pool2dProblem& p, const float* x, const float* y, const void* argmax,
                     const float* dy, float* dx, bool accumulate, int64_t begin, int64_t end);

}  // namespace gabor::cpu
