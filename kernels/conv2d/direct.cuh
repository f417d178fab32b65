// Rung 0 of the ladder: convolution straight from the formula, one thread a result.
//   fprop  y[n,p,q,k]  = act(b[k] + sum over r,s,c of x[n,h,w,c] w[k,r,s,c]),  h = p stride_h - top + r dil_h, w alike
//   dgrad  dx[n,h,w,c] (+)= sum over r,s,k of dy[n,p,q,k] w[k,r,s,c], of those p, q that read h, w by tap r, s
//   wgrad  dw[k,r,s,c] (+)= sum over n,p,q of dy[n,p,q,k] x[n,h,w,c];  db[k] (+)= sum over n,p,q of dy[n,p,q,k]
// Shapes, dense: x, dx N,H,W,C; w, dw K,R,S,C/groups; y, dy N,P,Q,K. x, w, y, dy, dx are of type Element, b, dw and db
// float; sums are of type Accumulator. Any alignment. Every Conv2dProblem: groups, dilation, strides, any padding.
// A block owns 256 neighbouring results, a thread one; no shared memory. 2 R S C/groups operations a result, each with
// two loads that the L1 cache serves: its rate is the bound on every card, not DRAM.
// It is the right answer for the faster rungs' tests, for depthwise layers (whose sums are short), and for sizes that
// the 32-bit indices of the other rungs cannot count.
#pragma once
#include "core/problem/conv2d.h"
#include "kernels/simt/gpu.h"

namespace gabor::kernels::conv2d {

struct DirectConfig {
  static constexpr int kBlockThreads = 256;
  static_assert(kBlockThreads % 32 == 0);
};

struct DirectParams {
  int64_t N, H, W, C, K, R, S, P, Q;
  int64_t top, left, stride_h, stride_w, dil_h, dil_w;
  int64_t group_C, group_K;  // channels and filters of one group

  explicit DirectParams(const Conv2dProblem& p)
      : N(p.N),
        H(p.H),
        W(p.W),
        C(p.C),
        K(p.K),
        R(p.R),
        S(p.S),
        P(p.P()),
        Q(p.Q()),
        top(p.pad.top),
        left(p.pad.left),
        stride_h(p.stride_h),
        stride_w(p.stride_w),
        dil_h(p.dil_h),
        dil_w(p.dil_w),
        group_C(p.C / p.groups),
        group_K(p.K / p.groups) {}
};

__device__ inline int64_t result_of_thread() { return int64_t(blockIdx.x) * blockDim.x + threadIdx.x; }

// The window position that reads element `at` through tap `tap`, or -1.
__device__ inline int64_t reading_position(int64_t at, int64_t before, int64_t tap, int64_t dilation,
                                           int64_t stride, int64_t positions) {
  const int64_t start = at + before - tap * dilation;
  if (start < 0 || start % stride != 0 || start / stride >= positions) return -1;
  return start / stride;
}

// Epilogue: kernels/common/epilogue.cuh.
template <class Config, class Element, class Accumulator, class Epilogue>
__global__ __launch_bounds__(Config::kBlockThreads) void direct_fprop(DirectParams a, const Element* x,
                                                                      const Element* w, Epilogue epilogue,
                                                                      Element* y) {
  const int64_t result = result_of_thread();
  if (result >= a.N * a.P * a.Q * a.K) return;
  const int64_t k = result % a.K, q = result / a.K % a.Q, p = result / a.K / a.Q % a.P,
                n = result / a.K / a.Q / a.P;
  const int64_t first_c = k / a.group_K * a.group_C;
  Accumulator sum = 0;
  for (int64_t r = 0; r < a.R; ++r) {
    const int64_t h = p * a.stride_h - a.top + r * a.dil_h;
    if (h < 0 || h >= a.H) continue;
    for (int64_t s = 0; s < a.S; ++s) {
      const int64_t v = q * a.stride_w - a.left + s * a.dil_w;
      if (v < 0 || v >= a.W) continue;
      const Element* xs = x + ((n * a.H + h) * a.W + v) * a.C + first_c;
      const Element* ws = w + ((k * a.R + r) * a.S + s) * a.group_C;
      for (int64_t c = 0; c < a.group_C; ++c)
        sum += Accumulator(simt::to_float(xs[c])) * Accumulator(simt::to_float(ws[c]));
    }
  }
  y[result] = simt::from_float<Element>(epilogue(float(sum), k, 0.0f));
}

template <class Config, class Element, class Accumulator, class Epilogue>
__global__ __launch_bounds__(Config::kBlockThreads) void direct_dgrad(DirectParams a, const Element* dy,
                                                                      const Element* w, Epilogue epilogue,
                                                                      Element* dx) {
  const int64_t result = result_of_thread();
  if (result >= a.N * a.H * a.W * a.C) return;
  const int64_t c = result % a.C, v = result / a.C % a.W, h = result / a.C / a.W % a.H,
                n = result / a.C / a.W / a.H;
  const int64_t first_k = c / a.group_C * a.group_K, c_in_group = c % a.group_C;
  Accumulator sum = 0;
  for (int64_t r = 0; r < a.R; ++r) {
    const int64_t p = reading_position(h, a.top, r, a.dil_h, a.stride_h, a.P);
    if (p < 0) continue;
    for (int64_t s = 0; s < a.S; ++s) {
      const int64_t q = reading_position(v, a.left, s, a.dil_w, a.stride_w, a.Q);
      if (q < 0) continue;
      const Element* dys = dy + ((n * a.P + p) * a.Q + q) * a.K;
      for (int64_t k = first_k; k < first_k + a.group_K; ++k)
        sum += Accumulator(simt::to_float(dys[k])) *
               Accumulator(simt::to_float(w[((k * a.R + r) * a.S + s) * a.group_C + c_in_group]));
    }
  }
  const float old = epilogue.reads_old() ? simt::to_float(dx[result]) : 0.0f;
  dx[result] = simt::from_float<Element>(epilogue(float(sum), c, old));
}

template <class Config, class Element, class Accumulator, class Epilogue>
__global__ __launch_bounds__(Config::kBlockThreads) void direct_wgrad(DirectParams a, const Element* x,
                                                                      const Element* dy, Epilogue epilogue,
                                                                      float* dw) {
  const int64_t result = result_of_thread();
  if (result >= a.K * a.R * a.S * a.group_C) return;
  const int64_t c_in_group = result % a.group_C, s = result / a.group_C % a.S;
  const int64_t r = result / a.group_C / a.S % a.R, k = result / a.group_C / a.S / a.R;
  const int64_t c = k / a.group_K * a.group_C + c_in_group;
  Accumulator sum = 0;
  for (int64_t n = 0; n < a.N; ++n)
    for (int64_t p = 0; p < a.P; ++p) {
      const int64_t h = p * a.stride_h - a.top + r * a.dil_h;
      if (h < 0 || h >= a.H) continue;
      for (int64_t q = 0; q < a.Q; ++q) {
        const int64_t v = q * a.stride_w - a.left + s * a.dil_w;
        if (v < 0 || v >= a.W) continue;
        sum += Accumulator(simt::to_float(dy[((n * a.P + p) * a.Q + q) * a.K + k])) *
               Accumulator(simt::to_float(x[((n * a.H + h) * a.W + v) * a.C + c]));
      }
    }
  const float old = epilogue.reads_old() ? dw[result] : 0.0f;
  dw[result] = epilogue(float(sum), c, old);
}

template <class Config, class Element, class Accumulator, class Epilogue>
__global__ __launch_bounds__(Config::kBlockThreads) void direct_bias_grad(DirectParams a, const Element* dy,
                                                                          Epilogue epilogue, float* db) {
  const int64_t k = result_of_thread();
  if (k >= a.K) return;
  Accumulator sum = 0;
  for (int64_t position = 0; position < a.N * a.P * a.Q; ++position)
    sum += Accumulator(simt::to_float(dy[position * a.K + k]));
  const float old = epilogue.reads_old() ? db[k] : 0.0f;
  db[k] = epilogue(float(sum), k, old);
}

}  // namespace gabor::kernels::conv2d
