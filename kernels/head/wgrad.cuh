// The gradients of a head's parameters, of all its dense layers in one grid:
//   dw[k,c] (+)= sum over n of dz[n,k] x[n,c]      db[k] (+)= sum over n of dz[n,k]
//
// Tensors:  x: N,C; dz: N,K; dw: K,C; db: K, or null; any alignment.
// A block owns kTileK x kTileC of dw of one layer, and db of its k where its c are the first; a warp kPerThread of k, a thread
//           one c of them. Rows are added from first to last, kRows of them at a time in shared memory.
// Shared memory: 12 KB. Registers: at most 80.
// Cost:     2 N W FLOPs for W weights; a block reads N (kTileK + kTileC) floats from L2: LeNet-5 at N=128 (W = 58,920) makes
//           131 blocks, one for each multiprocessor of an H200, 15 MFLOP, 3.2 MB: below the 2 us of a launch.
// Rung:     the only one, for layers that are small together; kernels/gemm has those for large ones.
#pragma once
#include "kernels/common/pack.h"
#include "kernels/common/unroll.cuh"
#include "kernels/head/params.cuh"

namespace gabor::kernels::head {

struct WgradConfig {
  static constexpr int kThreads = 128;
  static constexpr int kTileC = 32, kPerThread = 4, kTileK = kThreads / kTileC * kPerThread;
  static constexpr int kRows = 64;  // of the batch, at once
  static_assert(kTileC == 32, "a warp has the same k throughout");
};

// Rows `first` and on of a tile of columns, 0 where there are none.
template <class Config, int kColumns>
__device__ inline void stage(float* to, const float* from, int64_t first, int64_t rows, int column,
                             int columns) {
  for (int i = int(threadIdx.x); i < Config::kRows * kColumns; i += Config::kThreads) {
    const int64_t row = first + i / kColumns;
    const int at = column + i % kColumns;
    to[i] = row < rows && at < columns ? from[row * columns + at] : 0.0f;
  }
}

template <class Config>
__global__ void __launch_bounds__(Config::kThreads) head_wgrad(WgradParams g) {
  constexpr int kTileK = Config::kTileK, kTileC = Config::kTileC, kPerThread = Config::kPerThread;
  SHARED_ALIGNED(16, float, x, [Config::kRows * kTileC]);
  SHARED_ALIGNED(16, float, dz, [Config::kRows * kTileK]);
  int tile = int(blockIdx.x), of = 0;
  while (tile >= g.layer[of].tiles) tile -= g.layer[of++].tiles;
  const WgradLayer l = g.layer[of];
  const int across = simt::ceil_div(l.C, kTileC);
  const int k0 = tile / across * kTileK, c0 = tile % across * kTileC;
  const int my_k = int(threadIdx.x) / kTileC * kPerThread, my_c = int(threadIdx.x) % kTileC;
  float sum[kPerThread] = {}, bias[kPerThread] = {};
  for (int64_t first = 0; first < g.N; first += Config::kRows) {
    __syncthreads();  // all have read the rows before
    stage<Config, kTileC>(x, l.x, first, g.N, c0, l.C);
    stage<Config, kTileK>(dz, l.dz, first, g.N, k0, l.K);
    __syncthreads();
    for (int row = 0; row < Config::kRows; ++row) {
      float d[kPerThread];
      load_floats(dz + row * kTileK + my_k, d);
      const float v = x[row * kTileC + my_c];
      GABOR_UNROLL
      for (int i = 0; i < kPerThread; ++i) sum[i] += d[i] * v, bias[i] += d[i];
    }
  }
  GABOR_UNROLL
  for (int i = 0; i < kPerThread; ++i) {
    const int k = k0 + my_k + i, c = c0 + my_c;
    if (k >= l.K || c >= l.C) continue;
    float* dw = l.dw + int64_t{k} * l.C + c;
    *dw = g.accumulate ? *dw + sum[i] : sum[i];
    if (c == 0 && l.db != nullptr) l.db[k] = g.accumulate ? l.db[k] + bias[i] : bias[i];
  }
}

}  // namespace gabor::kernels::head
