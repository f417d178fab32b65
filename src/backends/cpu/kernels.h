// Element-wise kernels that several ops of this backend share. All run on the caller's thread; split with
// chunks().
#pragma once
#include <algorithm>
#include <cstdint>

#include "core/parallel.h"
#include "core/problem/activation.h"

namespace gabor::cpu {

// A fork of the thread team costs about as much as this many simple elements: smaller loops run inline.
constexpr int64_t kGrain = 16384;

// FLOPs of a register-tiled kernel that take as long as one simple element.
constexpr int64_t kFlopsPerElement = 32;

// How many threads so much work is worth.
inline int threads_for(int64_t elements, int64_t grain = kGrain) {
  return int(std::clamp<int64_t>(elements / grain, 1, max_threads()));
}

// body(begin, end) over 0..n-1 in contiguous ranges that start at multiples of 16 (a cache line of floats;
// four Philox blocks), at least `grain` elements a thread.
template <class Body>
void chunks(int64_t n, Body&& body, int64_t grain = kGrain) {
  constexpr int64_t kUnit = 16;
  parallel_ranges(
      (n + kUnit - 1) / kUnit,
      [&](int64_t begin, int64_t end, int) { body(begin * kUnit, end * kUnit < n ? end * kUnit : n); },
      threads_for(n, grain));
}

// y[i] = f(x[i]), i < n; y may be x.
void activate(const Activation& f, const float* x, float* y, int64_t n);

// y[i] = f(y[i] + b[i % K]) for rows of K; b may be null. The epilogue of ops whose library has none that is
// right.
void bias_activate(const Activation& f, const float* b, float* y, int64_t rows, int64_t K);

// y[i] = a[i] + b[i], i < n; y may be a or b.
void add(const float* a, const float* b, float* y, int64_t n);

}  // namespace gabor::cpu
