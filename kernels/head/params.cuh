// What the head's kernels get, and how the rows of a block lie in shared memory.
#pragma once
#include "core/problem/head.h"
#include "kernels/pool2d/window.cuh"
#include "kernels/simt/gpu.h"

namespace gabor::kernels::head {

struct Layer {
  const float *w, *b;  // K,C; K, or null
  float *y, *dz;       // N,K
  int C, K;
  bool relu;
};

struct RowsParams {
  int64_t N;
  int layers;
  Layer layer[HeadProblem::kMostLayers];
  bool pools;
  PoolParams pool;
  const float* x;
  float *pooled, *dx;
  const int32_t* labels;
  bool two_labels;
  float smoothing, scale;
  int scratch, taps;  // where these begin in shared memory, in floats

  __host__ __device__ int64_t x_of_row() const {
    return pools ? int64_t{pool.H} * pool.W * pool.C : layer[0].C;
  }
};

// A block's share of the batch.
struct Share {
  int64_t first;  // row
  int rows;       // Config::kRows, fewer in the last block
};

// Element i of quads is row i % kRows of channel i / kRows.
template <class Config>
__device__ inline void store_rows(float* to, int channels, const Share& share, int i, float v) {
  const int row = i % Config::kRows;
  if (row < share.rows) to[(share.first + row) * channels + i / Config::kRows] = v;
}

// Sums over rows, of one layer: `tiles` blocks.
struct WgradLayer {
  const float *x, *dz;  // N,C; N,K
  float *dw, *db;       // K,C; K, or null
  int C, K, tiles;
};

struct WgradParams {
  int64_t N;
  WgradLayer layer[HeadProblem::kMostLayers];
  bool accumulate;
};

}  // namespace gabor::kernels::head
