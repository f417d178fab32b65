// Which of the windows compiled for depthwise layers serves a problem.
#pragma once
#include "kernels/common/quad.cuh"

namespace gabor::kernels::conv2d {

// Calls f(Config<channels of a thread, taps of a row, stride>{}); zeros: any. 3x3 and 5x5 of stride 1 and 2 are what nets
// of depthwise layers are made of; they have C a multiple of 4 and one filter a channel.
template <template <int, int, int> class Config, class F>
void with_depthwise(int64_t C, int64_t K, int64_t S, int64_t stride_w, int64_t dil_w, F f) {
  const auto is = [&](int64_t taps, int64_t stride) { return S == taps && stride_w == stride && dil_w == 1; };
  if (C != K || C % kQuad != 0) {
    if (is(3, 1)) return f(Config<1, 3, 1>{});
    return f(Config<1, 0, 0>{});
  }
  if (is(3, 1)) return f(Config<kQuad, 3, 1>{});
  if (is(3, 2)) return f(Config<kQuad, 3, 2>{});
  if (is(5, 1)) return f(Config<kQuad, 5, 1>{});
  if (is(5, 2)) return f(Config<kQuad, 5, 2>{});
  return f(Config<kQuad, 0, 0>{});
}

}  // namespace gabor::kernels::conv2d
