// Geometry of pooling windows and the three ways to reduce one, shared by the rungs.
#pragma once
#include "core/problem/pool2d.h"
#include "kernels/common/epilogue.cuh"
#include "kernels/simt/gpu.h"

namespace gabor::kernels {

struct PoolParams {
  PoolKind kind;
  int H, W, C, P, Q, R, S, pad_top, pad_left, stride_h, stride_w;
  int64_t inputs, outputs;  // elements of x and of y
  bool wide_argmax;         // int32_t, else uint8_t
  bool accumulate;          // backward: dx +=
  bool relu;                // backward: through the ReLU before max pooling
};

// Throws simt::Error where an extent does not fit in 32 bits.
inline PoolParams pool_params(const Pool2dProblem& p, bool accumulate) {
  for (int64_t extent : {p.H, p.W, p.C, p.R, p.S, p.stride_h, p.stride_w, p.R * p.S, p.H + p.R, p.W + p.S})
    if (extent > 0x7fffffff) throw simt::Error("pool2d: an extent does not fit in 32 bits");
  const int64_t P = p.P(), Q = p.Q();
  return {p.kind,
          int(p.H),
          int(p.W),
          int(p.C),
          int(P),
          int(Q),
          int(p.R),
          int(p.S),
          int(p.pad.top),
          int(p.pad.left),
          int(p.stride_h),
          int(p.stride_w),
          p.N * p.H * p.W * p.C,
          p.N * P * Q * p.C,
          p.argmax_dtype() == DType::i32,
          accumulate,
          p.relu};
}

struct Range {
  int begin, end;
};

// Taps of the window at `position` (of one axis) that lie in 0..extent-1.
__device__ inline Range taps_inside(int position, int stride, int before, int window, int extent) {
  const int first = position * stride - before;
  return {first < 0 ? -first : 0, extent - first < window ? extent - first : window};
}

// Positions of the windows that cover `element` (of one axis).
__device__ inline Range windows_over(int element, int stride, int before, int window, int positions) {
  const int last = (element + before) / stride;  // the last window that starts at or before the element
  const int over = element + before - window;    // windows that start here or earlier end before the element
  return {over < 0 ? 0 : over / stride + 1, last < positions - 1 ? last + 1 : positions};
}

__device__ inline int window_size(const PoolParams& g, int p, int q) {
  const Range rows = taps_inside(p, g.stride_h, g.pad_top, g.R, g.H);
  const Range columns = taps_inside(q, g.stride_w, g.pad_left, g.S, g.W);
  return (rows.end - rows.begin) * (columns.end - columns.begin);
}

// A window on its way: take() its elements, tap = r*S + s, then finish(). `value` may also be merged from parts.
template <PoolKind kKind>
struct Window {
  float value = 0.0f;
  int tap = -1;  // of the winner; max only

  // The first of equals in tap order wins, and a NaN wins over all numbers. Parts come in any order of taps.
  __device__ void take_max(float v, int t) {
    const bool v_nan = v != v, best_nan = value != value;
    const bool larger = v > value || (v_nan && !best_nan);
    const bool equal = v == value || (v_nan && best_nan);
    if (tap < 0 || larger || (equal && t < tap)) value = v, tap = t;
  }
  __device__ void take(float v, int t) {
    if constexpr (kKind == PoolKind::max) take_max(v, t);
    if constexpr (kKind == PoolKind::average) value += v;
    if constexpr (kKind == PoolKind::l2) value += v * v;
  }
  __device__ void merge(const Window& part) {
    if constexpr (kKind == PoolKind::max) {
      if (part.tap >= 0) take_max(part.value, part.tap);
    } else {
      value += part.value;
    }
  }
  __device__ float finish(int size) const {
    if constexpr (kKind == PoolKind::average) return value / float(size);
    if constexpr (kKind == PoolKind::l2) return sqrtf(value);
    return value;
  }
};

// Whether backward reads y.
template <PoolKind kKind>
__device__ inline bool needs_y(const PoolParams& g) {
  return kKind == PoolKind::l2 || (kKind == PoolKind::max && g.relu);
}

// What a window passes on to one of its elements; hit: that one won. x is used by l2 only, y where needs_y says so. A NaN
// in y lets dy through ReLU; else 0 is a factor, as in activation_slope (elementwise/functions.cuh): the bits are the same.
template <PoolKind kKind>
__device__ inline float window_gradient(const PoolParams& g, float dy, float x, float y, bool hit, int size) {
  if constexpr (kKind == PoolKind::max) return hit ? dy * (g.relu ? relu_slope(y) : 1.0f) : 0.0f;
  if constexpr (kKind == PoolKind::average) return dy / float(size);
  return y != 0.0f ? dy * (x / y) : 0.0f;  // |x/y| <= 1 does not overflow where dy x might
}

__device__ inline int load_tap(const PoolParams& g, const void* argmax, int64_t at) {
  return g.wide_argmax ? static_cast<const int32_t*>(argmax)[at] : static_cast<const uint8_t*>(argmax)[at];
}
__device__ inline void store_tap(const PoolParams& g, void* argmax, int64_t at, int tap) {
  if (g.wide_argmax) {
    static_cast<int32_t*>(argmax)[at] = tap;
  } else {
    static_cast<uint8_t*>(argmax)[at] = uint8_t(tap);
  }
}

}  // namespace gabor::kernels
