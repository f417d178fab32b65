// Rung 2 of fprop: the implicit GEMM of implicit_fprop.cuh on tensor cores. Its idea beyond that rung's: copies that bypass
// registers (cp.async) and a matrix instruction.
//   y[m,k] = act(b[k] + sum over d of A[m,d] w[k,d]),   m = n,p,q;  d = r,s,c;  A[m,d] = x[n, p stride_h - top + r dil_h, ...]
// Shapes, dense: x N,H,W,C; w K,R,S,C/groups; b K (float) or null; y N,P,Q,K. x, w, y of type Element (f32: multiplied as
// TF32 or bf16), aligned to 16 bytes; sums of type float. kChunks only if C/groups is a multiple of 16 bytes' elements.
// Groups: blockIdx.z. Neighbouring blocks share rows of A: column tiles are the fast index.
// Tiles: tensor_tiles.cuh; warps, lanes, registers: tensor_tile.cuh. Dynamic shared memory: 3 stages of A and B and a place
// of x for each row: 50 KB (128x128), 38 (128x64), 32 (128x32), 29 (128x16).
// FLOPs 2 N P Q K R S C/groups; bytes: x and w once, if the L2 cache holds the rows that neighbouring blocks share, and y
// once. H200: mma.sync reaches about 60 % of 990 (16 bits) and 495 (TF32) TFLOP/s, so against 4.3 TB/s a layer of fewer
// than 140 (70) FLOPs a byte is bound by DRAM: 3x3 below some C = K = 30, 1x1 below C = K = 280, in either width. A GTX
// 1660 Ti has no tensor cores: implicit_fprop.cuh.
// Zeros of the padding are multiplied like other pixels: an Inf or NaN in w gives NaN there. NaN in x reaches all results
// whose window holds it.
#pragma once
#include "kernels/conv2d/implicit_fprop.cuh"
#include "kernels/conv2d/tensor_loaders.cuh"

namespace gabor::kernels::conv2d::tensor {

template <class Config, class Element, bool kChunks>
struct FpropOperands {
  using A = WindowRows<Config, Element, kPieceOf<Element, kChunks>>;
  using B = FilterColumns<Config, Element, kPieceOf<Element, kChunks>>;
  static constexpr int kStages = kStagesBytes<Config, A, B>, kSharedBytes = kStages + A::kPlacesBytes;
};

// grid: row tiles * column tiles, 1, groups.
template <class Config, class Element, bool kChunks, class Epilogue>
__global__ __launch_bounds__(Config::kBlockThreads,
                             Config::kBlocksAtOnce) void fprop(FpropParams a, const Element* x,
                                                               const Element* w, Epilogue epilogue,
                                                               Element* y) {
  using Operands = FpropOperands<Config, Element, kChunks>;
  DYN_SHARED(char, shared);
  const int32_t column_tiles = simt::ceil_div<int32_t>(a.columns, Config::kTileColumns);
  const int32_t first_row = int32_t(blockIdx.x) / column_tiles * Config::kTileRows;
  const int32_t first_column = int32_t(blockIdx.x) % column_tiles * Config::kTileColumns;
  const int32_t group = int32_t(blockIdx.z);

  const typename Operands::A load_a(a.sweep, x + int64_t(group) * a.sweep.group_channels, first_row, a.rows,
                                    a.depth, reinterpret_cast<WindowPlace*>(shared + Operands::kStages));
  const typename Operands::B load_b(w + int64_t(group) * a.columns * a.depth, first_column, a.columns,
                                    a.depth);
  WarpSums<Config> sum = {};
  tensor_product<Config>(load_a, load_b, reinterpret_cast<Element*>(shared), 0, a.depth, sum);

  for_each_quad<Config>(sum, reinterpret_cast<float*>(shared), [&](int row, int column, float(&quad)[kQuad]) {
    a.put(group, first_row + row, first_column + column, quad, epilogue, y);
  });
}

}  // namespace gabor::kernels::conv2d::tensor
