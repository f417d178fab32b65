// Rung 2 of wgrad: the implicit GEMM of implicit_wgrad.cuh on tensor cores, with the same slices, joined alike.
//   dw[k,j] (+)= sum over m of dy[m,k] B[m,j],  m = n,p,q;  j = r,s,c;  B[m,j] = x[n, p stride_h - top + r dil_h, ...]
// and db[k] as one more column of B, all ones. Its idea beyond that rung's: copies that bypass registers (cp.async) and a
// matrix instruction. In memory both operands run across m, the index that is summed over: ldmatrix transposes those of
// 16 bits, TF32 reads them word by word.
// Shapes, dense: x N,H,W,C; dy N,P,Q,K; of type Element (f32: multiplied as TF32 or bf16), aligned to 16 bytes; the workspace
// slices,K,columns; dw K,R,S,C/groups; db K; float, as sums are. kChunks only if C/groups and K/groups are multiples of 16
// bytes' elements. Groups: blockIdx.z. Tiles: tensor_tiles.cuh, rows being filters; dynamic shared memory 12 to 51 KB.
// FLOPs 2 N P Q K (R S C/groups + 1); bytes: x and dy once for each tile of the other index, plus the workspace twice,
// which slices of some thousands of positions make small. H200: bound by mma.sync (tensor_fprop.cuh) when K and R S C/groups
// both exceed some 128, else by L2 or DRAM. A GTX 1660 Ti has no tensor cores: implicit_wgrad.cuh.
// Zeros of the padding are multiplied like other pixels: an Inf or NaN in dy gives NaN in the taps that read outside x.
#pragma once
#include "kernels/conv2d/tensor_loaders.cuh"

namespace gabor::kernels::conv2d::tensor {

template <class Config, class Element, bool kChunks>
struct WgradOperands {
  using A = GradientRows<Config, Element, kPieceOf<Element, kChunks>>;
  using B = WindowColumns<Config, Element, kPieceOf<Element, kChunks>>;
  static constexpr int kSharedBytes = kStagesBytes<Config, A, B>;
};

// Grid: row tiles * column tiles, slices, groups.
template <class Config, class Element, bool kChunks>
__global__ __launch_bounds__(Config::kBlockThreads,
                             Config::kBlocksAtOnce) void wgrad(WgradParams a, const Element* x,
                                                               const Element* dy, FilterGradients gradients) {
  using Operands = WgradOperands<Config, Element, kChunks>;
  DYN_SHARED(char, shared);
  const WgradTile<Config> tile(a);
  const int32_t begin = a.slice_begin(blockIdx.y), end = a.slice_end(blockIdx.y);

  const typename Operands::A load_a(a, dy + int64_t(tile.group) * a.rows, tile.first_row, end);
  const typename Operands::B load_b(a, x + int64_t(tile.group) * a.sweep.group_channels, tile.first_column,
                                    end);
  WarpSums<Config> sum = {};
  tensor_product<Config>(load_a, load_b, reinterpret_cast<Element*>(shared), begin, end, sum);

  for_each_quad<Config>(sum, reinterpret_cast<float*>(shared), [&](int row, int column, float(&quad)[kQuad]) {
    const int32_t j = tile.first_column + column;
    a.put(gradients, blockIdx.y, a.place(gradients, tile.group, tile.first_row + row, j), j, quad);
  });
  tile.join(a, gradients);
}

}  // namespace gabor::kernels::conv2d::tensor
