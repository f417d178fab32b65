// Four neighbouring channels of an NHWC map, one vector a channel, lanes over places. Included once for each
// instruction set (Highway's foreach_target).
#if defined(GABOR_FIRST_BLOCK_FOURS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef GABOR_FIRST_BLOCK_FOURS_INL_H_
#undef GABOR_FIRST_BLOCK_FOURS_INL_H_
#else
#define GABOR_FIRST_BLOCK_FOURS_INL_H_
#endif

#include <hwy/highway.h>

#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace gabor::cpu::first_block {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET != HWY_SCALAR
// 128-bit blocks from from + place[0], from + place[4], ...
template <class D>
HWY_INLINE hn::Vec<D> load_blocks(D d, const float* from, const int64_t* place) {
  if constexpr (hn::MaxLanes(d) == 4) {
    return hn::LoadU(d, from + place[0]);
  } else {
    const hn::Half<D> half;
    return hn::Combine(d, load_blocks(half, from, place + hn::MaxLanes(half)),
                       load_blocks(half, from, place));
  }
}

// v[j], lane i = from[place[i] + j], j < 4.
template <class D>
HWY_INLINE void load_fours(D d, const float* from, const int64_t* place, hn::Vec<D> (&v)[4]) {
  const hn::RepartitionToWide<D> pairs;
  const auto a = load_blocks(d, from, place), b = load_blocks(d, from, place + 1);
  const auto c = load_blocks(d, from, place + 2), e = load_blocks(d, from, place + 3);
  const auto low0 = hn::BitCast(pairs, hn::InterleaveLower(d, a, b)),
             low1 = hn::BitCast(pairs, hn::InterleaveLower(d, c, e));
  const auto high0 = hn::BitCast(pairs, hn::InterleaveUpper(d, a, b)),
             high1 = hn::BitCast(pairs, hn::InterleaveUpper(d, c, e));
  v[0] = hn::BitCast(d, hn::InterleaveLower(pairs, low0, low1));
  v[1] = hn::BitCast(d, hn::InterleaveUpper(pairs, low0, low1));
  v[2] = hn::BitCast(d, hn::InterleaveLower(pairs, high0, high1));
  v[3] = hn::BitCast(d, hn::InterleaveUpper(pairs, high0, high1));
}
#else
template <class D>
HWY_INLINE void load_fours(D d, const float* from, const int64_t* place, hn::Vec<D> (&v)[4]) {
  for (int j = 0; j < 4; j++) v[j] = hn::LoadU(d, from + place[0] + j);
}
#endif

}  // namespace HWY_NAMESPACE
}  // namespace gabor::cpu::first_block
HWY_AFTER_NAMESPACE();

#endif
