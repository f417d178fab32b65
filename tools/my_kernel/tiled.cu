// `gabor duel --kernel tools/my_kernel/tiled.cu`: fprop as a product of matrices, by tiles in shared memory.
//   y[pixel,k] = b[k] + sum over i of patch[pixel,i] w[k,i],  pixel = n,p,q,  i = r,s,c
// A block of 16 x 16 threads owns 16 pixels and 16 filters; of both it loads 16 i at a time, each number once for 16 uses.
#include "kernels/own/kernel.h"

namespace {

constexpr int kTile = 16;

// What the kernel needs of the problem: P() and Q() are for the host, so their values go in here.
struct Conv {
  int H, W, C, K, S, P, Q, top, left, stride_h, stride_w, dil_h, dil_w;
  int pixels, reduction;  // N P Q, R S C
};

// Element of x that output pixel `pixel` multiplies with its filter's element i; 0 in the padding.
__device__ float patch(const Conv& a, const float* x, int pixel, int i) {
  if (pixel >= a.pixels || i >= a.reduction) return 0;
  const int q = pixel % a.Q, p = pixel / a.Q % a.P, n = pixel / a.Q / a.P;
  const int c = i % a.C, s = i / a.C % a.S, r = i / a.C / a.S;
  const int row = p * a.stride_h - a.top + r * a.dil_h, column = q * a.stride_w - a.left + s * a.dil_w;
  if (row < 0 || row >= a.H || column < 0 || column >= a.W) return 0;
  return x[((n * a.H + row) * a.W + column) * a.C + c];
}

__global__ void tiled(Conv a, const float* x, const float* w, const float* b, float* y) {
  SHARED(float, patches, [kTile][kTile + 1]);  // + 1: a column's numbers lie in different banks
  SHARED(float, filters, [kTile][kTile + 1]);
  const int column = int(threadIdx.x), row = int(threadIdx.y);
  const int pixel = int(blockIdx.x) * kTile + row, first_k = int(blockIdx.y) * kTile, k = first_k + column;
  float sum = 0;
  for (int first = 0; first < a.reduction; first += kTile) {
    const int i = first + column;
    patches[row][column] = patch(a, x, pixel, i);
    filters[row][column] = first_k + row < a.K && i < a.reduction ? w[(first_k + row) * a.reduction + i] : 0;
    __syncthreads();  // the tiles are there
    for (int j = 0; j < kTile; ++j) sum += patches[row][j] * filters[column][j];
    __syncthreads();  // nobody reads them any more
  }
  if (pixel < a.pixels && k < a.K) y[pixel * a.K + k] = sum + b[k];
}

}  // namespace

extern "C" const char* conv2d_supports(const Conv2dProblem& p, Function) {
  return p.groups == 1 ? nullptr : "one group only";
}

extern "C" void conv2d_fprop(const Conv2dProblem& p, const float* x, const float* w, const float* b, float* y,
                             void*, Stream stream) {
  const Conv a{int(p.H),          int(p.W),
               int(p.C),          int(p.K),
               int(p.S),          int(p.P()),
               int(p.Q()),        int(p.pad.top),
               int(p.pad.left),   int(p.stride_h),
               int(p.stride_w),   int(p.dil_h),
               int(p.dil_w),      int(p.N * p.P() * p.Q()),
               int(p.reduction())};
  const dim3 grid(unsigned(simt::ceil_div(a.pixels, kTile)), unsigned(simt::ceil_div(a.K, kTile)));
  launch({grid, dim3(kTile, kTile), 0, stream}, tiled, a, x, w, b, y);
}
