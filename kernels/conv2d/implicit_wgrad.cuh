// Rung 1 of wgrad: implicit GEMM in plain FFMA, its long sum split over blocks (split-K) and added up in a fixed order.
//   dw[k,j] (+)= sum over m of dy[m,k] B[m,j],  m = n,p,q;  j = r,s,c;  B[m,j] = x[n, p stride_h - top + r dil_h, ...]
// and db[k] as one more column of B, all ones. Its ideas: (1) the sum over all N P Q positions is cut into slices, a block
// each, since dw alone is too small to fill a GPU; (2) partial sums go to a workspace, where the last
// blocks of a tile add them up in order (join_slices.cuh), so that the bits are the same every time.
// Shapes, dense: x N,H,W,C; dy N,P,Q,K; of type Element, aligned to kVector elements; the workspace slices,K,columns; dw
// K,R,S,C/groups; db K; float, as sums are. kVector is kQuad only if C/groups and K/groups are multiples of it. Groups:
// blockIdx.z. Tiles, threads, shared memory: tile_product.cuh, rows being filters.
// FLOPs 2 N P Q K (R S C/groups + 1); bytes: x and dy once for each tile of the other index, plus the workspace twice,
// which slices of some thousands of positions make small. FFMA-bound on H200 and GTX 1660 Ti when K and R S C/groups both
// exceed 64; DRAM-bound when either is small.
// Zeros of the padding are multiplied like other pixels: an Inf or NaN in dy gives NaN in the taps that read outside x.
#pragma once
#include "kernels/common/filter_gradients.cuh"
#include "kernels/conv2d/loaders.cuh"

namespace gabor::kernels::conv2d {

struct WgradParams {
  Sweep sweep;
  int32_t rows, taps, columns;  // filters of a group; R S C/groups; that, and 1 if db is wanted
  int32_t depth, slice_depth;   // N P Q; of a slice, a multiple of the tile's depth
  int32_t K;

  WgradParams(const Conv2dProblem& p, bool with_db, int64_t slices, int32_t tile_depth)
      : sweep(forward_sweep(p)),
        rows(int32_t(p.K / p.groups)),
        taps(int32_t(p.reduction())),
        columns(taps + with_db),
        depth(int32_t(p.N * p.P() * p.Q())),
        slice_depth(int32_t(simt::ceil_div(simt::ceil_div<int64_t>(depth, slices), int64_t{tile_depth}) *
                            tile_depth)),
        K(int32_t(p.K)) {}

  // The positions of a slice: slice_begin() <= m < slice_end(); of the last slices maybe none.
  __device__ int32_t slice_begin(int64_t slice) const {
    return slice * slice_depth < depth ? int32_t(slice * slice_depth) : depth;
  }
  __device__ int32_t slice_end(int64_t slice) const {
    const int32_t begin = slice_begin(slice);
    return depth - begin > slice_depth ? begin + slice_depth : depth;
  }

  // Where the sum for filter k of the group and column j is; the quad from there on, if it has one.
  __device__ int64_t place(const FilterGradients& to, int32_t group, int32_t k, int32_t j) const {
    return k < rows && j < columns ? to.offset(int64_t(group) * rows + k, j) : -1;
  }
  __device__ __forceinline__ void put(const FilterGradients& to, int64_t slice, int64_t at, int32_t j,
                                      const float (&quad)[kQuad]) const {
    if (at >= 0) store_floats(&to.of_slice(slice, at), quad, columns - j, columns % kQuad == 0);
  }
};

// What a block owns.
template <class Config>
struct WgradTile {
  int32_t first_row, first_column, group;

  __device__ explicit WgradTile(const WgradParams& a) {
    const int32_t column_tiles = simt::ceil_div<int32_t>(a.columns, Config::kTileColumns);
    first_row = int32_t(blockIdx.x) / column_tiles * Config::kTileRows;
    first_column = int32_t(blockIdx.x) % column_tiles * Config::kTileColumns;
    group = int32_t(blockIdx.z);
  }

  // Joins the slices of the tile, which its blocks have put.
  __device__ void join(const WgradParams& a, const FilterGradients& gradients) const {
    join_slices<Config::kBlockThreads>(
        gradients.slices, int32_t(blockIdx.z * gridDim.x + blockIdx.x), int32_t(blockIdx.y),
        Config::kTileRows * Config::kTileColumns,
        [&](int32_t i) {
          return a.place(gradients, group, first_row + i / Config::kTileColumns,
                         first_column + i % Config::kTileColumns);
        },
        gradients);
  }
};

// Row k of A is a filter, d a position m: an element of dy.
template <class Config, class Element, int kVector>
class GradientRows {
  using Part = AcrossDepth<Config::kTileRows, Config::kTileDepth, Config::kBlockThreads, kVector>;

 public:
  // dy: of the group's first filter.
  __device__ GradientRows(const WgradParams& a, const Element* dy, int32_t first_row, int32_t end)
      : dy_(dy + first_row + Part::row()), K_(a.K), end_(first_row + Part::row() < a.rows ? end : 0) {}
  __device__ __forceinline__ void fetch(int32_t m0) {
    GABOR_UNROLL
    for (int pass = 0; pass < Part::kPasses; ++pass) {
      const int32_t m = m0 + Part::depth(pass);
      clear<kVector>(next_[pass]);
      if (Part::works(pass) && m < end_) load_floats<kVector>(dy_ + int64_t(m) * K_, next_[pass]);
    }
  }
  __device__ __forceinline__ void store(float* tile) const {
    Part::template store<Config::kRowPitch>(next_, tile);
  }

 private:
  const Element* dy_;
  int32_t K_, end_;
  float next_[Part::kPasses][kVector];
};

// Column j of B is an element r,s,c of the window, d a position m; column `taps` is 1.
template <class Config, class Element, int kVector>
class WindowColumns {
  using Part = AcrossDepth<Config::kTileColumns, Config::kTileDepth, Config::kBlockThreads, kVector>;

 public:
  // x: of the group's first channel.
  __device__ WindowColumns(const WgradParams& a, const Element* x, int32_t first_column, int32_t end)
      : sweep_(a.sweep),
        x_(x),
        end_(end),
        ones_(first_column + Part::row() == a.taps && a.columns > a.taps),
        tap_(a.sweep.tap(first_column + Part::row(), first_column + Part::row() < a.taps)) {}
  __device__ __forceinline__ void fetch(int32_t m0) {
    GABOR_UNROLL
    for (int pass = 0; pass < Part::kPasses; ++pass) {
      const int32_t m = m0 + Part::depth(pass);
      clear<kVector>(next_[pass]);
      if (!Part::works(pass) || m >= end_) continue;
      if (ones_) next_[pass][0] = 1.0f;
      const WindowPlace at = sweep_.place(m);
      if (sweep_.inside(at, tap_)) load_floats<kVector>(x_ + sweep_.offset(at, tap_), next_[pass]);
    }
  }
  __device__ __forceinline__ void store(float* tile) const {
    Part::template store<Config::kColumnPitch>(next_, tile);
  }

 private:
  const Sweep& sweep_;
  const Element* x_;
  int32_t end_;
  bool ones_;
  TapPlace tap_;
  float next_[Part::kPasses][kVector];
};

// Grid: row tiles * column tiles, slices, groups.
template <class Config, class Element, int kVector>
__global__ __launch_bounds__(Config::kBlockThreads,
                             Config::kBlocksAtOnce) void implicit_wgrad(WgradParams a, const Element* x,
                                                                        const Element* dy,
                                                                        FilterGradients gradients) {
  const WgradTile<Config> tile(a);
  const int32_t begin = a.slice_begin(blockIdx.y), end = a.slice_end(blockIdx.y);

  GradientRows<Config, Element, kVector> load_a(a, dy + int64_t(tile.group) * a.rows, tile.first_row, end);
  WindowColumns<Config, Element, kVector> load_b(a, x + int64_t(tile.group) * a.sweep.group_channels,
                                                 tile.first_column, end);
  float sum[Config::kMicroRows][Config::kMicroColumns] = {};
  tile_product<Config>(load_a, load_b, begin, end, sum);

  // Long: as in implicit_dgrad, to keep addresses of results out of registers.
  for_each_quad<Config, true>(sum, [&](int row, int column, float(&quad)[kQuad]) {
    const int32_t j = tile.first_column + column;
    a.put(gradients, blockIdx.y, a.place(gradients, tile.group, tile.first_row + row, j), j, quad);
  });
  tile.join(a, gradients);
}

}  // namespace gabor::kernels::conv2d
