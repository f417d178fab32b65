// Rung 1 of dgrad: implicit GEMM in plain FFMA, one parity class at a time.
//   dx[m,c] (+)= sum over d of A[m,d] B[d,c],  m = n,h,w;  d = r,s,k;  A[m,d] = dy[n,p,q,k],  B[d,c] = w[k,r,s,c]
// with p stride_h = h + top - r dil_h, and q alike. Its idea beyond implicit_fprop's: h mod stride_h decides which r have
// a p at all, so rows of one class h mod stride_h, w mod stride_w have the same few taps, and along the class p moves by
// one. Each class is a convolution of stride 1 over dy; nothing is multiplied by the zeros between the strides, where
// treating dgrad as a convolution of a spread dy wastes 3/4 of the work at stride 2.
// Shapes, dense: dy N,P,Q,K; w K,R,S,C/groups; dx N,H,W,C; of type Element, aligned to kVector elements; sums of type
// float. kVector is kQuad only if C/groups and K/groups are multiples of it. Groups: blockIdx.z. Tiles, threads, shared
// memory and roofs: as implicit_fprop, with C/groups columns. FLOPs 2 N P Q K R S C/groups (less what falls outside).
// Zeros of the padding are multiplied like other pixels: an Inf or NaN in w gives NaN there.
#pragma once
#include "kernels/conv2d/loaders.cuh"

namespace gabor::kernels::conv2d {

// One axis of a class: rows (or columns) first, first + stride, ... of dx.
struct DgradAxis {
  SweepAxis sweep;              // over dy, by the taps of the class
  int32_t first, stride;        // place in dx of position i: first + i * stride
  int32_t first_tap, tap_step;  // tap in w of tap i of the sweep

  DgradAxis(int64_t first_of_class, int64_t extent, int64_t taps, int64_t before, int64_t stride_of_window,
            int64_t dilation, int64_t positions_of_dy);
};

struct DgradParams {
  DgradAxis vertical, horizontal;
  Sweep sweep;
  int32_t rows, columns,
      depth;  // positions of the class in all images; channels of a group; taps of the class * K/groups
  int32_t H, W, S;
  int64_t filter_pitch, pitch;  // R S C/groups; C
  bool vector_store;            // quads of dx are aligned

  // The class of rows h = first_h mod stride_h and columns w = first_w mod stride_w.
  DgradParams(const Conv2dProblem& p, int64_t first_h, int64_t first_w)
      : vertical(first_h, p.H, p.R, p.pad.top, p.stride_h, p.dil_h, p.P()),
        horizontal(first_w, p.W, p.S, p.pad.left, p.stride_w, p.dil_w, p.Q()),
        sweep(vertical.sweep, horizontal.sweep, p.K, p.K / p.groups),
        rows(int32_t(p.N * vertical.sweep.positions * horizontal.sweep.positions)),
        columns(int32_t(p.C / p.groups)),
        depth(sweep.depth()),
        H(int32_t(p.H)),
        W(int32_t(p.W)),
        S(int32_t(p.S)),
        filter_pitch(p.reduction()),
        pitch(p.C),
        vector_store(columns % kQuad == 0) {}

  // Of element d of r,s,k of the class, channel 0, from the group's first filter in w.
  __device__ __forceinline__ int64_t filter_offset(int32_t d) const {
    int32_t k = d;
    const int32_t i = sweep.taps_of_row.split(k);
    const int32_t j = sweep.channels.split(k);
    const int32_t r = vertical.first_tap + i * vertical.tap_step;
    const int32_t s = horizontal.first_tap + j * horizontal.tap_step;
    return k * filter_pitch + (r * S + s) * columns;
  }

  // Finishes and stores the sums of position m of the class and channels c .. c + 3 of the group, those that exist.
  template <class Element, class Epilogue>
  __device__ __forceinline__ void put(int32_t group, int32_t m, int32_t c, float (&quad)[kQuad],
                                      const Epilogue& epilogue, Element* dx) const {
    const int32_t count = columns - c;
    if (m >= rows || count <= 0) return;
    int32_t j = m;
    const int32_t n = sweep.positions_of_image.split(j);
    const int32_t i = sweep.positions_of_row.split(j);
    const int32_t h = vertical.first + i * vertical.stride, v = horizontal.first + j * horizontal.stride;
    const int64_t channel = int64_t(group) * columns + c;
    Element* to = dx + int64_t((n * H + h) * W + v) * pitch + channel;
    GABOR_UNROLL
    for (int e = 0; e < kQuad; ++e)
      if (e < count)
        quad[e] = epilogue(quad[e], channel + e, epilogue.reads_old() ? simt::to_float(to[e]) : 0.0f);
    store_floats(to, quad, count, vector_store);
  }
};

// Column c of B is an input channel, d an element r,s,k of the class.
template <class Config, class Element, int kVector>
class ChannelColumns {
  using Part = AcrossDepth<Config::kTileColumns, Config::kTileDepth, Config::kBlockThreads, kVector>;

 public:
  // w: of the group's first filter.
  __device__ ChannelColumns(const DgradParams& a, const Element* w, int32_t first_column)
      : a_(a), w_(w + first_column + Part::row()), valid_(first_column + Part::row() < a.columns) {}
  __device__ __forceinline__ void fetch(int32_t d0) {
    GABOR_UNROLL
    for (int pass = 0; pass < Part::kPasses; ++pass) {
      const int32_t d = d0 + Part::depth(pass);
      clear<kVector>(next_[pass]);
      if (!valid_ || !Part::works(pass) || d >= a_.depth) continue;
      load_floats<kVector>(w_ + a_.filter_offset(d), next_[pass]);
    }
  }
  __device__ __forceinline__ void store(float* tile) const {
    Part::template store<Config::kColumnPitch>(next_, tile);
  }

 private:
  const DgradParams& a_;
  const Element* w_;
  bool valid_;
  float next_[Part::kPasses][kVector];
};

// grid: row tiles * column tiles, 1, groups.
template <class Config, class Element, int kVector, class Epilogue>
__global__ __launch_bounds__(Config::kBlockThreads,
                             Config::kBlocksAtOnce) void implicit_dgrad(DgradParams a, const Element* dy,
                                                                        const Element* w, Epilogue epilogue,
                                                                        Element* dx) {
  const int32_t column_tiles = simt::ceil_div<int32_t>(a.columns, Config::kTileColumns);
  const int32_t first_row = int32_t(blockIdx.x) / column_tiles * Config::kTileRows;
  const int32_t first_column = int32_t(blockIdx.x) % column_tiles * Config::kTileColumns;
  const int32_t group = int32_t(blockIdx.z), group_filters = a.sweep.group_channels;

  WindowRows<Config, Element, kVector> load_a(a.sweep, dy + int64_t(group) * group_filters, first_row, a.rows,
                                              a.depth);
  ChannelColumns<Config, Element, kVector> load_b(a, w + int64_t(group) * group_filters * a.filter_pitch,
                                                  first_column);
  float sum[Config::kMicroRows][Config::kMicroColumns] = {};
  tile_product<Config>(load_a, load_b, 0, a.depth, sum);

  // Long: the places of a row of results would else be worked out for all rows at once, in registers that spill.
  for_each_quad<Config, true>(sum, [&](int row, int column, float(&quad)[kQuad]) {
    a.put(group, first_row + row, first_column + column, quad, epilogue, dx);
  });
}

}  // namespace gabor::kernels::conv2d
