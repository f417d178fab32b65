// Rung 1 of fprop: the convolution as a matrix product that is never laid out in memory (implicit GEMM), in plain FFMA.
//   y[m,k] = act(b[k] + sum over d of A[m,d] w[k,d]),   m = n,p,q;  d = r,s,c;  A[m,d] = x[n, p stride_h - top + r dil_h, ...]
// Its one idea: tiles in shared memory and registers, so that an element loaded once takes part in 16 to 128 products.
// Shapes, dense: x N,H,W,C; w K,R,S,C/groups; b K (float) or null; y N,P,Q,K. x, w, y of type Element, aligned to kVector
// elements; sums of type float. kVector is kQuad only if C/groups is a multiple of it. Groups: blockIdx.z.
// Tiles, threads and shared memory: tile_product.cuh. Neighbouring blocks share rows of A: column tiles are the fast index.
// FLOPs 2 N P Q K R S C/groups; bytes: x and w once, if the L2 cache holds the rows that neighbouring blocks share, and y
// once. A tile of rows x columns makes 2 rows columns / (rows + columns) / 4 FLOPs for each byte it asks of the caches: 16
// (128x128), 10.7 (128x64), 6.4 (128x32), 3.8 (128x16). H200 (67 TFLOP/s, 4.8 TB/s: 14 FLOP/byte) and GTX 1660 Ti (5.4 and
// 288 GB/s: 19) are bound by FFMA where N P Q K R S C exceeds some 30 times the elements moved (3x3 from C = 16 on), else
// by DRAM (1x1 with few channels).
// Zeros of the padding are multiplied like other pixels: an Inf or NaN in w gives NaN there, where the direct kernel
// skips it. NaN in x reaches all results whose window holds it.
#pragma once
#include "kernels/conv2d/loaders.cuh"

namespace gabor::kernels::conv2d {

struct FpropParams {
  Sweep sweep;
  int32_t rows, columns, depth;  // N P Q; filters of a group; R S C/groups
  int64_t pitch;                 // K
  bool vector_store;             // quads of y are aligned

  explicit FpropParams(const Conv2dProblem& p)
      : sweep(forward_sweep(p)),
        rows(int32_t(p.N * p.P() * p.Q())),
        columns(int32_t(p.K / p.groups)),
        depth(int32_t(p.reduction())),
        pitch(p.K),
        vector_store(columns % kQuad == 0) {}

  // Finishes and stores the sums of position m and filters k .. k + 3 of the group, those that exist.
  template <class Element, class Epilogue>
  __device__ __forceinline__ void put(int32_t group, int32_t m, int32_t k, float (&quad)[kQuad],
                                      const Epilogue& epilogue, Element* y) const {
    const int32_t count = columns - k;
    if (m >= rows || count <= 0) return;
    const int64_t filter = int64_t(group) * columns + k;
    GABOR_UNROLL
    for (int i = 0; i < kQuad; ++i)
      if (i < count) quad[i] = epilogue(quad[i], filter + i, 0.0f);
    store_floats(y + m * pitch + filter, quad, count, vector_store);
  }
};

// grid: row tiles * column tiles, 1, groups.
template <class Config, class Element, int kVector, class Epilogue>
__global__ __launch_bounds__(Config::kBlockThreads,
                             Config::kBlocksAtOnce) void implicit_fprop(FpropParams a, const Element* x,
                                                                        const Element* w, Epilogue epilogue,
                                                                        Element* y) {
  const int32_t column_tiles = simt::ceil_div<int32_t>(a.columns, Config::kTileColumns);
  const int32_t first_row = int32_t(blockIdx.x) / column_tiles * Config::kTileRows;
  const int32_t first_column = int32_t(blockIdx.x) % column_tiles * Config::kTileColumns;
  const int32_t group = int32_t(blockIdx.z);

  WindowRows<Config, Element, kVector> load_a(a.sweep, x + int64_t(group) * a.sweep.group_channels, first_row,
                                              a.rows, a.depth);
  FilterColumns<Config, Element, kVector> load_b(w + int64_t(group) * a.columns * a.depth, first_column,
                                                 a.columns, a.depth);
  float sum[Config::kMicroRows][Config::kMicroColumns] = {};
  tile_product<Config>(load_a, load_b, 0, a.depth, sum);

  for_each_quad<Config, Epilogue::kLong>(sum, [&](int row, int column, float(&quad)[kQuad]) {
    a.put(group, first_row + row, first_column + column, quad, epilogue, y);
  });
}

}  // namespace gabor::kernels::conv2d
