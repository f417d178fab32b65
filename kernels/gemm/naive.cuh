// D[m,n] = sum over k of A[m,k] B[k,n], the readable way.
//
// Tensors:  gemm.h (any size, any alignment). A thread owns one element of D, a block 256 neighbours of it, n
//           fastest; the elements of db follow. No shared memory.
// Cost:     2 K FLOP an output, and two loads for each product; the caches catch most of them, the load units do
//           not: some 2 % of the FFMA roof at best, on an H200 (67 TFLOP/s) as on a GTX 1660 Ti (5.4).
// Rung:     the first. It is right by inspection, and what the others are held against on a GPU.
#pragma once
#include "kernels/gemm/params.cuh"

namespace gabor::gemm {

struct NaiveConfig {
  static constexpr int kThreads = 256;
};

template <class Config, class P>
__global__ __launch_bounds__(Config::kThreads) void naive_gemm(P p) {
  const int64_t at = int64_t(blockIdx.x) * Config::kThreads + threadIdx.x;
  const int64_t outputs = int64_t(p.M) * p.N;
  const bool of_db = at >= outputs;
  if (at >= outputs + (p.db != nullptr ? p.M : 0)) return;
  const int m = int(of_db ? at - outputs : at / p.N), n = int(at % p.N);
  float sum = 0;
  for (int k = 0; k < p.K; ++k)
    sum += simt::to_float(p.a[a_offset(p, m, k)]) * (of_db ? 1.0f : simt::to_float(p.b[b_offset(p, k, n)]));
  if (of_db) {
    p.db[m] = with_old(p, p.db + m, sum);
  } else {
    put(p, nullptr, m, n, sum);
  }
}

}  // namespace gabor::gemm
