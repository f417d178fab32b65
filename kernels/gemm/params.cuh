// What the kernels of this folder share: their parameters, loads of four elements, and the way out to D.
#pragma once
#include "kernels/common/epilogue.cuh"
#include "kernels/common/join_slices.cuh"
#include "kernels/common/unroll.cuh"
#include "kernels/gemm/gemm.h"
#include "kernels/simt/gpu.h"

namespace gabor::gemm {

// Which index is contiguous in memory; the other one steps by the length of that row.
__host__ __device__ constexpr bool a_rows_along_k(Pass pass) { return pass != Pass::wgrad; }
__host__ __device__ constexpr bool b_rows_along_k(Pass pass) { return pass == Pass::fprop; }

template <Pass kPass_, class Element_>
struct Params {
  static constexpr Pass kPass = kPass_;
  static constexpr bool kThroughRelu = false;
  using Element = Element_;
  using Result = std::conditional_t<kPass == Pass::wgrad, float, Element>;
  const Element* a;       // M,K (wgrad: K,M)
  const Element* b;       // K,N (fprop: N,K)
  const float* bias;      // N, or null
  Result* d;              // M,N
  float* db;              // M, or null: the sums over k of A[m,k], in wgrad alone
  kernels::Slices parts;  // of k: the sums of D, then those of db
  int M, N, K;
  int k_per_split;  // a multiple of the kernel's step in k
  bool relu, accumulate;
  bool d_pairs, d_quads;  // N is a multiple of two (four), and d aligned to as many elements

  __device__ bool split() const { return parts.count > 1; }
};

// Of dgrad or wgrad, where dy is the gradient after ReLU: A is dy times ReLU's derivative at y, which lies as dy does.
template <class P>
struct ThroughRelu : P {
  static constexpr bool kThroughRelu = true;
  const typename P::Element* y;
};
using kernels::relu_slope;

// What a block does: a tile of D, and which part of k.
struct Share {
  int tile, part;
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

// Where the sums of a part of k go; null where k is not split.
template <class P>
__device__ inline float* sums_of(const P& p, int part) {
  return p.split() ? p.parts.sums + part * p.parts.stride : nullptr;
}

// The sum for (m, n), which is inside D. partial: sums_of the part.
template <class P>
__device__ inline void put(const P& p, float* partial, int m, int n, float sum) {
  const int64_t at = int64_t(m) * p.N + n;
  if (partial != nullptr) {
    partial[at] = sum;
  } else {
    p.d[at] = finished(p, at, n, sum);
  }
}

// Two neighbours, n even; either or both may lie outside D.
template <class P>
__device__ inline void put_pair(const P& p, float* partial, int m, int n, float left, float right) {
  if (m >= p.M || n >= p.N) return;
  if (p.d_pairs && partial == nullptr) {
    struct alignas(2 * sizeof(typename P::Result)) Pair {
      typename P::Result v[2];
    };
    const int64_t at = int64_t(m) * p.N + n;
    simt::store(p.d + at, Pair{{finished(p, at, n, left), finished(p, at + 1, n + 1, right)}});
    return;
  }
  put(p, partial, m, n, left);
  if (n + 1 < p.N) put(p, partial, m, n + 1, right);
}

// Four neighbours, n a multiple of 4; any may lie outside D. kVector: N is a multiple of 4.
template <bool kVector, class P>
__device__ inline void put_quad(const P& p, float* partial, int m, int n, const float (&sums)[4]) {
  using Result = typename P::Result;
  if (kVector && p.d_quads && partial == nullptr) {
    if (m >= p.M || n >= p.N) return;
    const int64_t at = int64_t(m) * p.N + n;
    Quad<Result> quad;
    for (int i = 0; i < 4; ++i) quad.v[i] = finished(p, at + i, n + i, sums[i]);
    simt::store(p.d + at, quad);
  } else {
    put_pair(p, partial, m, n, sums[0], sums[1]);
    put_pair(p, partial, m, n + 2, sums[2], sums[3]);
  }
}

// The part of k that a block reduces.
template <class P>
__device__ inline int first_k(const P& p, int part) {
  return part * p.k_per_split;
}
template <class P>
__device__ inline int end_k(const P& p, int part) {
  return min(p.K, first_k(p, part) + p.k_per_split);
}

template <class P>
__device__ inline float with_old(const P& p, const float* to, float sum) {
  return p.accumulate ? *to + sum : sum;
}

// What element `at` of A is multiplied by.
template <class P>
__device__ inline float slope_at(const P& p, int64_t at) {
  if constexpr (P::kThroughRelu) return relu_slope(simt::to_float(p.y[at]));
  return 1.0f;
}

// In wgrad, the part's sums of db for kTileM of m from m0: A once more, from the caches. All threads call.
template <int kThreads, int kTileM, class P>
__device__ inline void put_bias_gradient(const P& p, int part, int m0) {
  static_assert(kThreads % kTileM == 0);
  SHARED(float, line_sums, [kThreads]);
  const int thread = int(threadIdx.x), m = m0 + thread % kTileM;
  float sum = 0;
  if (m < p.M)
    for (int k = first_k(p, part) + thread / kTileM; k < end_k(p, part); k += kThreads / kTileM)
      sum += simt::to_float(p.a[int64_t(k) * p.M + m]) * slope_at(p, int64_t(k) * p.M + m);
  line_sums[thread] = sum;
  __syncthreads();
  if (thread >= kTileM || m >= p.M) return;
  float total = 0;
  for (int at = thread; at < kThreads; at += kTileM) total += line_sums[at];
  if (p.split()) {
    sums_of(p, part)[int64_t(p.M) * p.N + m] = total;
  } else {
    p.db[m] = with_old(p, p.db + m, total);
  }
}

// The end of a block that has put the sums of its part of the tile at (m0, n0): db, which the first tile of each row has
// besides, and the joining of the parts. All threads call.
template <int kThreads, int kTileM, int kTileN, class P>
__device__ inline void finish_tile(const P& p, const Share& share, int m0, int n0) {
  const bool has_db = P::kPass == Pass::wgrad && p.db != nullptr && n0 == 0;
  if constexpr (P::kPass == Pass::wgrad)
    if (has_db) put_bias_gradient<kThreads, kTileM>(p, share.part, m0);
  if (!p.split()) return;
  constexpr int kOfD = kTileM * kTileN;
  const int64_t outputs = int64_t(p.M) * p.N;
  kernels::join_slices<kThreads>(
      p.parts, share.tile, share.part, kOfD + (has_db ? kTileM : 0),
      [&](int i) -> int64_t {
        const int m = m0 + (i < kOfD ? i / kTileN : i - kOfD), n = n0 + i % kTileN;
        if (m >= p.M || (i < kOfD && n >= p.N)) return -1;
        return i < kOfD ? int64_t(m) * p.N + n : outputs + m;
      },
      [&](int64_t at, float sum) {
        if (at < outputs) {
          p.d[at] = finished(p, at, int(at % p.N), sum);
        } else {
          float* const to = p.db + (at - outputs);
          *to = with_old(p, to, sum);
        }
      });
}

}  // namespace gabor::gemm
