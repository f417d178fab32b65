// Sums in a fixed order: of the parts of a reduction that was split, and of the columns of a matrix.
//
//   join_splits   D[m,n] = finished(sum over z of partial[z,m,n]); partial is splits,M,N floats. A thread owns one
//                 element, neighbours in n lie in neighbouring threads. 4 splits bytes read an element.
//   column_sums   sums[n] (+)= sum over m of a[m,n]; a is M,N. A block owns 32 columns, a warp every 8th row of them;
//                 the 8 sums meet in 1 KB of shared memory. One element read for one FADD.
// Both run at the speed of memory (L2, where partial or dy has just been written): no FLOP roof is near on any card.
#pragma once
#include "kernels/gemm/params.cuh"

namespace gabor::gemm {

struct SumsConfig {
  static constexpr int kThreads = 256, kColumns = 32, kWarps = kThreads / kColumns;
};

template <class Config, class P>
__global__ __launch_bounds__(Config::kThreads) void join_splits(P p, int splits) {
  const int64_t at = int64_t(blockIdx.x) * Config::kThreads + threadIdx.x, outputs = int64_t(p.M) * p.N;
  if (at >= outputs) return;
  float sum = 0;
  for (int z = 0; z < splits; ++z) sum += p.partial[z * outputs + at];
  p.d[at] = finished(p, at, int(at % p.N), sum);
}

template <class Config, class Element>
__global__ __launch_bounds__(Config::kThreads) void column_sums(const Element* a, float* sums, int64_t M,
                                                                int64_t N, bool accumulate) {
  SHARED(float, warp_sums, [Config::kWarps][Config::kColumns]);
  const int lane = int(threadIdx.x) % 32, warp = int(threadIdx.x) / 32;
  const int64_t n = int64_t(blockIdx.x) * Config::kColumns + lane;
  float sum = 0;
  if (n < N)
    for (int64_t m = warp; m < M; m += Config::kWarps) sum += simt::to_float(a[m * N + n]);
  warp_sums[warp][lane] = sum;
  __syncthreads();
  if (warp != 0 || n >= N) return;
  float total = 0;
  for (int i = 0; i < Config::kWarps; ++i) total += warp_sums[i][lane];
  sums[n] = accumulate ? sums[n] + total : total;
}

}  // namespace gabor::gemm
