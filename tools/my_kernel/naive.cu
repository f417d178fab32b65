// The smallest kernel file for `gabor duel --kernel tools/my_kernel/naive.cu`: a convolution's fprop, one thread a result.
#include "kernels/own/kernel.h"

namespace {

// What the kernel needs of the problem: P() and Q() are for the host, so their values go in here.
struct Conv {
  int H, W, C, K, R, S, P, Q, top, left, stride_h, stride_w, dil_h, dil_w;
  int results;  // N P Q K
};

__global__ void naive(Conv a, const float* x, const float* w, const float* b, float* y) {
  const int result = int(blockIdx.x * blockDim.x + threadIdx.x);
  if (result >= a.results) return;
  const int k = result % a.K, q = result / a.K % a.Q, p = result / a.K / a.Q % a.P,
            n = result / a.K / a.Q / a.P;
  float sum = b[k];
  for (int r = 0; r < a.R; ++r)
    for (int s = 0; s < a.S; ++s) {
      const int row = p * a.stride_h - a.top + r * a.dil_h, column = q * a.stride_w - a.left + s * a.dil_w;
      if (row < 0 || row >= a.H || column < 0 || column >= a.W) continue;  // in the padding: 0
      for (int c = 0; c < a.C; ++c)
        sum += x[((n * a.H + row) * a.W + column) * a.C + c] * w[((k * a.R + r) * a.S + s) * a.C + c];
    }
  y[result] = sum;
}

}  // namespace

extern "C" const char* conv2d_supports(const Conv2dProblem& p, Function) {
  return p.groups == 1 ? nullptr : "one group only";
}

extern "C" void conv2d_fprop(const Conv2dProblem& p, const float* x, const float* w, const float* b, float* y,
                             void*, Stream stream) {
  const Conv a{
      int(p.H),        int(p.W),        int(p.C),     int(p.K),       int(p.R),
      int(p.S),        int(p.P()),      int(p.Q()),   int(p.pad.top), int(p.pad.left),
      int(p.stride_h), int(p.stride_w), int(p.dil_h), int(p.dil_w),   int(p.N * p.P() * p.Q() * p.K)};
  const unsigned threads = 128, blocks = simt::ceil_div(unsigned(a.results), threads);
  launch({dim3(blocks), dim3(threads), 0, stream}, naive, a, x, w, b, y);
}
