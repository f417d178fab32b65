// Warp collectives that are younger than the oldest card, and what is no single instruction at all.
#pragma once

namespace gabor::simt {

// Folds f over v of the lanes in mask, each of which gets the result: the way of cards before sm_80.
template <class T, class F>
__device__ inline T fold_lanes(unsigned mask, T v, F f) {
  int lane = __ffs(int(mask)) - 1;
  T result = __shfl_sync(mask, v, lane);
  for (unsigned rest = mask & (mask - 1); rest != 0; rest &= rest - 1) {
    lane = __ffs(int(rest)) - 1;
    result = f(result, __shfl_sync(mask, v, lane));
  }
  return result;
}

// Sum, minimum, maximum of v (int or unsigned) over the lanes in mask.
template <class T>
__device__ inline T reduce_add(unsigned mask, T v) {
#if __CUDA_ARCH__ >= 800
  return __reduce_add_sync(mask, v);
#else
  return fold_lanes(mask, v, [](T a, T b) { return a + b; });
#endif
}

template <class T>
__device__ inline T reduce_min(unsigned mask, T v) {
#if __CUDA_ARCH__ >= 800
  return __reduce_min_sync(mask, v);
#else
  return fold_lanes(mask, v, [](T a, T b) { return b < a ? b : a; });
#endif
}

template <class T>
__device__ inline T reduce_max(unsigned mask, T v) {
#if __CUDA_ARCH__ >= 800
  return __reduce_max_sync(mask, v);
#else
  return fold_lanes(mask, v, [](T a, T b) { return a < b ? b : a; });
#endif
}

// The lanes in mask whose v equals this lane's.
template <class T>
__device__ inline unsigned match_any(unsigned mask, T v) {
#if __CUDA_ARCH__ >= 700
  return __match_any_sync(mask, v);
#else
  unsigned equal = 0;
  for (unsigned rest = mask; rest != 0; rest &= rest - 1) {
    const int lane = __ffs(int(rest)) - 1;
    if (__shfl_sync(mask, v, lane) == v) equal |= 1u << lane;
  }
  return equal;
#endif
}

// Several elements at one address at once: load<float4>(p), store(p, make_float4(...)). p is aligned to the vector.
template <class Vector, class T>
__device__ inline Vector load(const T* p) {
  return *reinterpret_cast<const Vector*>(p);
}
template <class Vector, class T>
__device__ inline void store(T* p, Vector v) {
  *reinterpret_cast<Vector*>(p) = v;
}

// True in the last of the `blocks` that call it with this counter, whose reads of the others' results are then
// ordered after their writes. One thread a block calls it, after a __syncthreads behind the block's writes. *counter is
// 0 before the launch, and again when the last has called.
__device__ inline bool last_block(unsigned* counter, unsigned blocks) {
  __threadfence();
  const bool last = atomicInc(counter, blocks - 1) == blocks - 1;
  __threadfence();
  return last;
}

}  // namespace gabor::simt
