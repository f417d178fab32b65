// Atomics of integers. Relaxed, as CUDA's are: the access checker sees that they are atomic and takes no order
// from them. Each returns the old value.
#pragma once

#define GABOR_SIMT_FETCH(T, name, operation) \
  inline T name(T* p, T v) { return __atomic_##operation(p, v, __ATOMIC_RELAXED); }
#define GABOR_SIMT_ATOMICS(T)                                                                                \
  GABOR_SIMT_FETCH(T, atomicAdd, fetch_add)                                                                  \
  GABOR_SIMT_FETCH(T, atomicAnd, fetch_and)                                                                  \
  GABOR_SIMT_FETCH(T, atomicOr, fetch_or)                                                                    \
  GABOR_SIMT_FETCH(T, atomicXor, fetch_xor)                                                                  \
  GABOR_SIMT_FETCH(T, atomicExch, exchange_n)                                                                \
  inline T atomicCAS(T* p, T expected, T v) {                                                                \
    __atomic_compare_exchange_n(p, &expected, v, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);                 \
    return expected;                                                                                         \
  }                                                                                                          \
  inline T atomicMin(T* p, T v) {                                                                            \
    T old = __atomic_load_n(p, __ATOMIC_RELAXED);                                                            \
    while (v < old && !__atomic_compare_exchange_n(p, &old, v, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) { \
    }                                                                                                        \
    return old;                                                                                              \
  }                                                                                                          \
  inline T atomicMax(T* p, T v) {                                                                            \
    T old = __atomic_load_n(p, __ATOMIC_RELAXED);                                                            \
    while (old < v && !__atomic_compare_exchange_n(p, &old, v, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) { \
    }                                                                                                        \
    return old;                                                                                              \
  }
GABOR_SIMT_ATOMICS(int)
GABOR_SIMT_ATOMICS(unsigned)
GABOR_SIMT_ATOMICS(unsigned long long)
#undef GABOR_SIMT_ATOMICS
#undef GABOR_SIMT_FETCH

// Not offered: the result would depend on the order of the threads.
float atomicAdd(float*, float) = delete;
double atomicAdd(double*, double) = delete;
