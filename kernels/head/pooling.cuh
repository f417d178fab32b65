// The two ends of a head's rows (rows.cuh): what comes in, pooled or as it is, and the gradient of what was pooled. By the
// windows of kernels/pool2d, whose results these are bit for bit.
#pragma once
#include "kernels/head/params.cuh"
#include "kernels/pool2d/vector.cuh"

namespace gabor::kernels::head {

// The block's rows as quads; rows that are not there are 0.
template <class Config>
__device__ inline void load_rows(const RowsParams& g, const Share& share, float* quads) {
  const int C = g.layer[0].C;
  const float* x = g.x + share.first * C;
  for (int i = int(threadIdx.x); i < Config::kRows * C; i += Config::kThreads)
    quads[i % C * Config::kRows + i / C] = i / C < share.rows ? x[i] : 0.0f;
}

// The same of the pooled map, which goes to memory too; taps: of the winners, rows by channels.
template <class Config>
__device__ inline void pool_rows(const RowsParams& g, const Share& share, float* quads, uint8_t* taps) {
  const PoolParams& p = g.pool;
  const int C = g.layer[0].C;
  const float* x = g.x + share.first * g.x_of_row();
  for (int i = int(threadIdx.x); i < Config::kRows * C; i += Config::kThreads) {
    const SmallPixel o = small_pixel_of(unsigned(i), unsigned(p.P), unsigned(p.Q), unsigned(p.C));
    Window<PoolKind::max> window;
    if (o.n < share.rows) {
      const Range rows = taps_inside(o.row, p.stride_h, p.pad_top, p.R, p.H);
      const Range columns = taps_inside(o.column, p.stride_w, p.pad_left, p.S, p.W);
      const int h = o.row * p.stride_h - p.pad_top, w = o.column * p.stride_w - p.pad_left;
      for (int r = rows.begin; r < rows.end; ++r)
        for (int s = columns.begin; s < columns.end; ++s)
          window.take(x[((o.n * p.H + h + r) * p.W + w + s) * p.C + o.c], r * p.S + s);
      g.pooled[share.first * C + i] = window.value;
      taps[i] = uint8_t(window.tap);
    }
    quads[i % C * Config::kRows + o.n] = window.value;
  }
}

// dx of the pooling, each element the sum over the windows that it has won.
template <class Config>
__device__ inline void unpool_rows(const RowsParams& g, const Share& share, const float* quads,
                                   const uint8_t* taps) {
  const PoolParams& p = g.pool;
  const int x_of_row = int(g.x_of_row());
  float* dx = g.dx + share.first * x_of_row;
  for (int i = int(threadIdx.x); i < share.rows * x_of_row; i += Config::kThreads) {
    const SmallPixel in = small_pixel_of(unsigned(i), unsigned(p.H), unsigned(p.W), unsigned(p.C));
    const Range ps = windows_over(in.row, p.stride_h, p.pad_top, p.R, p.P);
    const Range qs = windows_over(in.column, p.stride_w, p.pad_left, p.S, p.Q);
    float sum = 0.0f;
    for (int o = ps.begin; o < ps.end; ++o)
      for (int q = qs.begin; q < qs.end; ++q) {
        const int out = (o * p.Q + q) * p.C + in.c;
        const int tap = (in.row + p.pad_top - o * p.stride_h) * p.S + in.column + p.pad_left - q * p.stride_w;
        if (taps[in.n * g.layer[0].C + out] == tap) sum += quads[out * Config::kRows + in.n];
      }
    dx[i] = sum;
  }
}

}  // namespace gabor::kernels::head
