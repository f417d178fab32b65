// Small Highway helpers, once per target (included after hwy/highway.h, inside foreach_target.h).
#if defined(GABOR_CPU_LANES_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GABOR_CPU_LANES_INL_H
#undef GABOR_CPU_LANES_INL_H
#else
#define GABOR_CPU_LANES_INL_H
#endif

#include <cstdint>
#include <cstring>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace gabor::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The first n lanes from p, zero in the others; nothing past p[n-1] is read. Highway's MaskedLoad promises
// that only where the instruction does: AVX2 and AVX-512.
template <class D>
HWY_INLINE hn::Vec<D> load_part(D d, const float* p, int64_t n) {
#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3
  return hn::MaskedLoad(hn::FirstN(d, size_t(n)), d, p);
#else
  HWY_ALIGN float part[hn::MaxLanes(d)] = {};
  std::memcpy(part, p, size_t(n) * sizeof(float));
  return hn::Load(d, part);
#endif
}

// Writes the first n lanes to p and nothing else.
template <class D>
HWY_INLINE void store_part(hn::Vec<D> v, D d, float* p, int64_t n) {
#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3
  hn::BlendedStore(v, hn::FirstN(d, size_t(n)), d, p);
#else
  HWY_ALIGN float part[hn::MaxLanes(d)];
  hn::Store(v, d, part);
  std::memcpy(p, part, size_t(n) * sizeof(float));
#endif
}

// The same for bytes and integers, with as many lanes as d has.
template <class D, class T = hn::TFromD<D>>
HWY_INLINE hn::Vec<D> load_part_int(D d, const T* p, int64_t n) {
#if HWY_TARGET == HWY_AVX3
  return hn::MaskedLoad(hn::FirstN(d, size_t(n)), d, p);
#else
  HWY_ALIGN T part[hn::MaxLanes(d)] = {};
  for (int64_t i = 0; i < n; i++) part[i] = p[i];
  return hn::Load(d, part);
#endif
}
template <class D, class T = hn::TFromD<D>>
HWY_INLINE void store_part_int(hn::Vec<D> v, D d, T* p, int64_t n) {
#if HWY_TARGET == HWY_AVX3
  hn::BlendedStore(v, hn::FirstN(d, size_t(n)), d, p);
#else
  HWY_ALIGN T part[hn::MaxLanes(d)];
  hn::Store(v, d, part);
  for (int64_t i = 0; i < n; i++) p[i] = part[i];
#endif
}

// Up to a vector of channels: all lanes, or with kPart the first n.
template <class D, bool kPart>
struct Part {
  D d;
  int64_t n;
  HWY_INLINE hn::Vec<D> load(const float* p) const {
    if constexpr (kPart) return load_part(d, p, n);
    return hn::LoadU(d, p);
  }
  HWY_INLINE void store(hn::Vec<D> v, float* p) const {
    if constexpr (kPart)
      store_part(v, d, p, n);
    else
      hn::StoreU(v, d, p);
  }
  // Integers of 4 bytes a lane, from and to i32 or u8 in memory.
  template <class T>
  HWY_INLINE auto load_index(const T* p) const {
    const hn::RebindToSigned<D> di;
    const hn::Rebind<T, D> dt;
    const auto v = kPart ? load_part_int(dt, p, n) : hn::LoadU(dt, p);
    if constexpr (sizeof(T) == 4)
      return v;
    else
      return hn::PromoteTo(di, v);
  }
  template <class VI>
  HWY_INLINE void store_index(VI v, int32_t* p) const {
    const hn::RebindToSigned<D> di;
    if constexpr (kPart)
      store_part_int(v, di, p, n);
    else
      hn::StoreU(v, di, p);
  }
  template <class VI>
  HWY_INLINE void store_index(VI v, uint8_t* p) const {
    const hn::Rebind<uint8_t, D> du;
    if constexpr (kPart)
      store_part_int(hn::DemoteTo(du, v), du, p, n);
    else
      hn::StoreU(hn::DemoteTo(du, v), du, p);
  }
};

// max(x, 0); NaN stays.
struct Relu {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return hn::IfThenElse(hn::Lt(x, hn::Zero(d)), hn::Zero(d), x);
  }
};

// y[i] = f(x[i]...) for i < n, one vector at a time; f is a functor of vectors (not a lambda: GCC does not
// give lambdas the target's instructions).
template <class F, class... X>
HWY_INLINE void map_lanes(const F& f, int64_t n, float* y, const X*... x) {
  const hn::ScalableTag<float> d;
  const int64_t L = int64_t(hn::Lanes(d));
  int64_t i = 0;
  for (; i + L <= n; i += L) hn::StoreU(f(d, hn::LoadU(d, x + i)...), d, y + i);
  if (i < n) store_part(f(d, load_part(d, x + i, n - i)...), d, y + i, n - i);
}

}  // namespace gabor::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
