// What the kernels of this folder share: their parameters, loads of four elements, and the way out to D.
#pragma once
#include "kernels/gemm/gemm.h"
#include "kernels/simt/gpu.h"

namespace gabor::gemm {

// Which index is contiguous in memory; the other one steps by the length of that row.
__host__ __device__ constexpr bool a_rows_along_k(Pass pass) { return pass != Pass::wgrad; }
__host__ __device__ constexpr bool b_rows_along_k(Pass pass) { return pass == Pass::fprop; }

template <Pass kPass_, class Element_>
struct Params {
  static constexpr Pass kPass = kPass_;
  using Element = Element_;
  using Result = std::conditional_t<kPass == Pass::wgrad, float, Element>;
  const Element* a;   // M,K (wgrad: K,M)
  const Element* b;   // K,N (fprop: N,K)
  const float* bias;  // N, or null
  Result* d;          // M,N
  float* partial;     // splits,M,N: sums of the parts of k; null when k is not split
  int M, N, K;
  int k_per_split;  // a multiple of the kernel's step in k
  bool relu, accumulate;
  bool d_pairs, d_quads;  // N is a multiple of two (four), and d aligned to as many elements
};

// Element (m, k) of A and (k, n) of B.
template <class P>
__device__ inline int64_t a_offset(const P& p, int m, int k) {
  return a_rows_along_k(P::kPass) ? int64_t(m) * p.K + k : int64_t(k) * p.M + m;
}
template <class P>
__device__ inline int64_t b_offset(const P& p, int k, int n) {
  return b_rows_along_k(P::kPass) ? int64_t(n) * p.K + k : int64_t(k) * p.N + n;
}

template <class Element>
struct alignas(4 * sizeof(Element)) Quad {
  Element v[4];
};

// Four contiguous elements as floats; those from `count` on are 0 and not read. kVector: one load, count is
// either at least 4 or at most 0.
template <bool kVector, class Element>
__device__ inline void load_quad(float (&to)[4], const Element* from, int count) {
  if constexpr (kVector) {
    if (count > 0) {
      const auto quad = simt::load<Quad<Element>>(from);
      for (int i = 0; i < 4; ++i) to[i] = simt::to_float(quad.v[i]);
    } else {
      for (int i = 0; i < 4; ++i) to[i] = 0;
    }
  } else {
    for (int i = 0; i < 4; ++i) to[i] = i < count ? simt::to_float(from[i]) : 0.0f;
  }
}

// What becomes of a complete sum: act(sum + bias) (+ what was there). relu(NaN) is NaN.
template <class P>
__device__ inline typename P::Result finished(const P& p, int64_t at, int n, float sum) {
  if (p.bias != nullptr) sum += p.bias[n];
  if (p.relu) sum = sum < 0 ? 0.0f : sum;
  if (p.accumulate) sum += simt::to_float(p.d[at]);
  return simt::from_float<typename P::Result>(sum);
}

// The sum of this block's part of k for (m, n), which is inside D. The part is blockIdx.z.
template <class P>
__device__ inline void put(const P& p, int m, int n, float sum) {
  const int64_t at = int64_t(m) * p.N + n;
  if (p.partial != nullptr) {
    p.partial[int64_t(blockIdx.z) * p.M * p.N + at] = sum;
  } else {
    p.d[at] = finished(p, at, n, sum);
  }
}

// Two neighbours, n even; either or both may lie outside D.
template <class P>
__device__ inline void put_pair(const P& p, int m, int n, float left, float right) {
  if (m >= p.M || n >= p.N) return;
  if (p.d_pairs && p.partial == nullptr) {
    struct alignas(2 * sizeof(typename P::Result)) Pair {
      typename P::Result v[2];
    };
    const int64_t at = int64_t(m) * p.N + n;
    simt::store(p.d + at, Pair{{finished(p, at, n, left), finished(p, at + 1, n + 1, right)}});
    return;
  }
  put(p, m, n, left);
  if (n + 1 < p.N) put(p, m, n + 1, right);
}

// Four neighbours, n a multiple of 4; any may lie outside D. kVector: N is a multiple of 4.
template <bool kVector, class P>
__device__ inline void put_quad(const P& p, int m, int n, const float (&sums)[4]) {
  using Result = typename P::Result;
  if (kVector && p.d_quads && p.partial == nullptr) {
    if (m >= p.M || n >= p.N) return;
    const int64_t at = int64_t(m) * p.N + n;
    Quad<Result> quad;
    for (int i = 0; i < 4; ++i) quad.v[i] = finished(p, at + i, n + i, sums[i]);
    simt::store(p.d + at, quad);
  } else {
    put_pair(p, m, n, sums[0], sums[1]);
    put_pair(p, m, n + 2, sums[2], sums[3]);
  }
}

// The part of k that this block reduces.
template <class P>
__device__ inline int first_k(const P& p) {
  return int(blockIdx.z) * p.k_per_split;
}
template <class P>
__device__ inline int end_k(const P& p) {
  return min(p.K, first_k(p) + p.k_per_split);
}

}  // namespace gabor::gemm
