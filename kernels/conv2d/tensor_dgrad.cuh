// Rung 2 of dgrad: the implicit GEMM of implicit_dgrad.cuh on tensor cores, one parity class at a time.
//   dx[m,c] (+)= sum over d of A[m,d] B[d,c],  m = n,h,w;  d = r,s,k;  A[m,d] = dy[n,p,q,k],  B[d,c] = w[k,r,s,c]
// with p stride_h = h + top - r dil_h, and q alike; why classes: implicit_dgrad.cuh. Its idea beyond that rung's: copies that
// bypass registers (cp.async) and a matrix instruction. B's lines run across d: ldmatrix transposes those of 16 bits, TF32
// reads them word by word.
// Shapes, dense: dy N,P,Q,K; w K,R,S,C/groups; dx N,H,W,C; of type Element (f32: multiplied as TF32 or bf16), aligned to 16
// bytes; sums of type float. kChunks only if C/groups and K/groups are multiples of 16 bytes' elements. Groups: blockIdx.z.
// Tiles, shared memory and roofs: as tensor_fprop.cuh, with C/groups columns. FLOPs 2 N P Q K R S C/groups (less what falls
// outside).
// Zeros of the padding are multiplied like other pixels: an Inf or NaN in w gives NaN there.
#pragma once
#include "kernels/conv2d/tensor_loaders.cuh"

namespace gabor::kernels::conv2d::tensor {

template <class Config, class Element, bool kChunks>
struct DgradOperands {
  using A = WindowRows<Config, Element, kPieceOf<Element, kChunks>>;
  using B = ChannelColumns<Config, Element, kPieceOf<Element, kChunks>>;
  static constexpr int kStages = kStagesBytes<Config, A, B>, kSharedBytes = kStages + A::kPlacesBytes;
};

// grid: row tiles * column tiles, 1, groups.
template <class Config, class Element, bool kChunks, class Epilogue>
__global__ __launch_bounds__(Config::kBlockThreads,
                             Config::kBlocksAtOnce) void dgrad(DgradParams a, const Element* dy,
                                                               const Element* w, Epilogue epilogue,
                                                               Element* dx) {
  using Operands = DgradOperands<Config, Element, kChunks>;
  DYN_SHARED(char, shared);
  const int32_t column_tiles = simt::ceil_div<int32_t>(a.columns, Config::kTileColumns);
  const int32_t first_row = int32_t(blockIdx.x) / column_tiles * Config::kTileRows;
  const int32_t first_column = int32_t(blockIdx.x) % column_tiles * Config::kTileColumns;
  const int32_t group = int32_t(blockIdx.z), group_filters = a.sweep.group_channels;

  const typename Operands::A load_a(a.sweep, dy + int64_t(group) * group_filters, first_row, a.rows, a.depth,
                                    reinterpret_cast<WindowPlace*>(shared + Operands::kStages));
  const typename Operands::B load_b(a, w + int64_t(group) * group_filters * a.filter_pitch, first_column);
  WarpSums<Config> sum = {};
  tensor_product<Config>(load_a, load_b, reinterpret_cast<Element*>(shared), 0, a.depth, sum);

  for_each_quad<Config>(sum, reinterpret_cast<float*>(shared), [&](int row, int column, float(&quad)[kQuad]) {
    a.put(group, first_row + row, first_column + column, quad, epilogue, dx);
  });
}

}  // namespace gabor::kernels::conv2d::tensor
