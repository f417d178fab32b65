// What a 2-D convolution is, as data. x is N,H,W,C; w is K,R,S,C/groups; b is K; y is N,P,Q,K.
//   y[n,p,q,k] = b[k] + sum over r,s,c of x[n, p*stride_h - pad.top + r*dil_h, q*stride_w - pad.left +
//   s*dil_w, c] * w[k,r,s,c]
// (cross-correlation, as in Keras, Caffe and cuDNN; elements outside x are 0.)
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "core/problem/activation.h"
#include "core/problem/window.h"
#include "core/shape.h"

namespace gabor {

struct Conv2dProblem {
  int64_t N = 1, H = 1, W = 1, C = 1;
  int64_t K = 1, R = 1, S = 1;
  Padding pad;
  int64_t stride_h = 1, stride_w = 1;
  int64_t dil_h = 1, dil_w = 1;
  int64_t groups = 1;
  Activation activation;  // applied to y in fprop only: an epilogue. dgrad and wgrad take dy before it.

  constexpr int64_t P() const { return window_positions(H, R, pad.top, pad.bottom, stride_h, dil_h); }
  constexpr int64_t Q() const { return window_positions(W, S, pad.left, pad.right, stride_w, dil_w); }
  Shape x_shape() const { return {N, H, W, C}; }
  Shape w_shape() const { return {K, R, S, C / groups}; }
  Shape b_shape() const { return {K}; }
  Shape y_shape() const { return {N, P(), Q(), K}; }
  int64_t reduction() const { return R * S * (C / groups); }             // products per output
  int64_t flops() const { return 2 * N * P() * Q() * K * reduction(); }  // of one pass
  friend bool operator==(const Conv2dProblem&, const Conv2dProblem&) = default;

  // Throws Error{usage}: non-positive sizes, groups that do not divide, a window that does not fit.
  void check(const std::string& where) const;
};

// "N=32 H=300 W=300 C=3 K=10 R=5 S=5 pad=0,0 stride=1,1" ; pad=top,bottom,left,right when asymmetric;
// dil=, groups=, act= only when not the default. Parsing takes the same, in any order; unknown words are
// errors.
std::string to_string(const Conv2dProblem& p);
Conv2dProblem parse_conv2d(std::string_view line);

}  // namespace gabor
