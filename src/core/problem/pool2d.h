// 2-D pooling, per channel. x is N,H,W,C; y is N,P,Q,C.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "core/problem/window.h"
#include "core/shape.h"

namespace gabor {

enum class PoolKind : uint8_t { max, average, l2 };
const char* name_of(PoolKind kind);

// max:     the largest element of the window that lies in x; the first of equals in r,s order; NaN wins.
// average: sum / number of elements of the window that lie in x (padding is not counted; Keras, PyTorch's
//          count_include_pad=False).
// l2:      sqrt(sum of squares) (ARTICLE A21), gradient x/y and 0 where y is 0.
struct Pool2dProblem {
  PoolKind kind = PoolKind::max;
  int64_t N = 1, H = 1, W = 1, C = 1;
  int64_t R = 2, S = 2;
  Padding pad;
  int64_t stride_h = 2, stride_w = 2;
  bool ceil = false;  // round the number of windows up (Caffe); default down
  // x is the output of ReLU, and backward goes through that too: dx is the gradient of ReLU's input, 0 where the window
  // that an element won has y <= 0 (a NaN passes, as in activation.h). Max only; forward is the same.
  bool relu = false;

  constexpr int64_t P() const { return window_positions(H, R, pad.top, pad.bottom, stride_h, 1, ceil); }
  constexpr int64_t Q() const { return window_positions(W, S, pad.left, pad.right, stride_w, 1, ceil); }
  Shape x_shape() const { return {N, H, W, C}; }
  // Whether backward reads y.
  bool needs_y() const { return kind == PoolKind::l2 || relu; }
  Shape y_shape() const { return {N, P(), Q(), C}; }
  // max keeps r*S + s of each winner, one byte where it fits.
  DType argmax_dtype() const { return R * S <= 256 ? DType::u8 : DType::i32; }
  friend bool operator==(const Pool2dProblem&, const Pool2dProblem&) = default;

  // Also: every window must touch x, i.e. pad < window.
  void check(const std::string& where) const;
};

std::string to_string(const Pool2dProblem& p);
Pool2dProblem parse_pool2d(
    std::string_view line);  // "max N=8 H=296 W=296 C=10 R=2 S=2 stride=2,2 pad=0,0 ceil relu"

}  // namespace gabor
