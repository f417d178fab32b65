// The device functions of CUDA that kernels may use besides <cmath>. Fast-math ones are exact here: how far off
// the GPU's are is for an error budget to know, not for host execution to show.
#pragma once
#include <bit>
#include <cmath>

#include "kernels/simt/host/runtime.h"

// ---- loads and stores with a cache hint --------------------------------------------------------------------
template <class T>
__forceinline__ T __ldg(const T* p) {
  return *p;
}
template <class T>
__forceinline__ T __ldcs(const T* p) {
  return *p;
}
template <class T>
__forceinline__ void __stcs(T* p, T v) {
  *p = v;
}

// ---- vectors (cuda/warp.h has the contract). Neither UBSan nor the access checker sees every misaligned one. ---
namespace gabor::simt {

inline void require_aligned(const void* p, size_t bytes, host::Site site) {
  if (reinterpret_cast<uintptr_t>(p) % bytes != 0)
    host::trap("vector of " + std::to_string(bytes) + " bytes at an address that is not a multiple of it",
               site);
}
template <class Vector, class T>
__forceinline__ Vector load(const T* p, host::Site site = host::Site::here()) {
  require_aligned(p, alignof(Vector), site);
  return *reinterpret_cast<const Vector*>(p);
}
template <class Vector, class T>
__forceinline__ void store(T* p, Vector v, host::Site site = host::Site::here()) {
  require_aligned(p, alignof(Vector), site);
  *reinterpret_cast<Vector*>(p) = v;
}

}  // namespace gabor::simt

// ---- bits ------------------------------------------------------------------------------------------------------
inline unsigned __float_as_uint(float v) { return std::bit_cast<unsigned>(v); }
inline float __uint_as_float(unsigned bits) { return std::bit_cast<float>(bits); }
inline int __float_as_int(float v) { return int(__float_as_uint(v)); }
inline float __int_as_float(int bits) { return __uint_as_float(unsigned(bits)); }
inline int __popc(unsigned v) { return __builtin_popcount(v); }
inline int __ffs(int v) { return __builtin_ffs(v); }
inline int __clz(int v) { return v == 0 ? 32 : __builtin_clz(unsigned(v)); }
inline unsigned __umulhi(unsigned a, unsigned b) { return unsigned((unsigned long long)a * b >> 32); }

// ---- arithmetic ---------------------------------------------------------------------------------------------
inline float __fmaf_rn(float a, float b, float c) { return std::fma(a, b, c); }
inline float __expf(float v) { return std::exp(v); }
inline float __logf(float v) { return std::log(v); }
inline float __fdividef(float a, float b) { return a / b; }
inline float __frcp_rn(float v) { return 1.0f / v; }
inline float __fsqrt_rn(float v) { return std::sqrt(v); }
inline float rsqrtf(float v) { return 1.0f / std::sqrt(v); }

#define GABOR_SIMT_MIN_MAX(T)                      \
  inline T min(T a, T b) { return b < a ? b : a; } \
  inline T max(T a, T b) { return a < b ? b : a; }
GABOR_SIMT_MIN_MAX(int)
GABOR_SIMT_MIN_MAX(unsigned)
GABOR_SIMT_MIN_MAX(long)
GABOR_SIMT_MIN_MAX(long long)
#undef GABOR_SIMT_MIN_MAX
// As on the GPU, the number wins over NaN.
inline float min(float a, float b) { return std::fmin(a, b); }
inline float max(float a, float b) { return std::fmax(a, b); }
inline double min(double a, double b) { return std::fmin(a, b); }
inline double max(double a, double b) { return std::fmax(a, b); }

inline void __trap(gabor::simt::host::Site site = gabor::simt::host::Site::here()) {
  gabor::simt::host::trap("__trap()", site);
}
