// One row of an interleaved image (W,C; u8 or f32) into even and odd columns of each channel, as f32.
// Included once for each instruction set (Highway's foreach_target).
#if defined(GABOR_FIRST_BLOCK_PIXELS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef GABOR_FIRST_BLOCK_PIXELS_INL_H_
#undef GABOR_FIRST_BLOCK_PIXELS_INL_H_
#else
#define GABOR_FIRST_BLOCK_PIXELS_INL_H_
#endif

#include <hwy/highway.h>

#include <cstring>

#include "backends/cpu/first_block/geometry.h"

HWY_BEFORE_NAMESPACE();
namespace gabor::cpu::first_block {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET != HWY_SCALAR  // which has no pairs of lanes: there every pixel goes the scalar way
// C interleaved channels of Lanes(d) pixels, one vector a channel.
template <int C, class D, class T>
HWY_INLINE void load_pixels(D d, const T* HWY_RESTRICT p, hn::Vec<D> (&v)[C]) {
  if constexpr (C == 1) v[0] = hn::LoadU(d, p);
  if constexpr (C == 2) hn::LoadInterleaved2(d, p, v[0], v[1]);
  if constexpr (C == 3) hn::LoadInterleaved3(d, p, v[0], v[1], v[2]);
  if constexpr (C == 4) hn::LoadInterleaved4(d, p, v[0], v[1], v[2], v[3]);
}

// 2 Lanes(d) pixels at p: the even ones to even + c * channel_stride, the odd ones to odd + c *
// channel_stride.
template <int C, class D>
HWY_INLINE void split_pixels(D d, const Normalize&, const float* HWY_RESTRICT p, float* even, float* odd,
                             int64_t channel_stride) {
  hn::Vec<D> low[C], high[C];
  load_pixels<C>(d, p, low);
  load_pixels<C>(d, p + C * hn::Lanes(d), high);
  for (int c = 0; c < C; c++) {
    hn::StoreU(hn::ConcatEven(d, high[c], low[c]), d, even + c * channel_stride);
    hn::StoreU(hn::ConcatOdd(d, high[c], low[c]), d, odd + c * channel_stride);
  }
}

template <int C, class D>
HWY_INLINE void split_pixels(D d, const Normalize& n, const uint8_t* HWY_RESTRICT p, float* even, float* odd,
                             int64_t channel_stride) {
  const hn::Rebind<int32_t, D> d32;
  const hn::Rebind<uint16_t, D> d16;
  const hn::Repartition<uint8_t, decltype(d16)> d8;
  hn::Vec<decltype(d8)> v[C];
  load_pixels<C>(d8, p, v);
  for (int c = 0; c < C; c++) {
    const auto pairs = hn::BitCast(d16, v[c]);  // low byte: even pixel
    const auto low = hn::And(pairs, hn::Set(d16, uint16_t{0x00FF})), high = hn::ShiftRight<8>(pairs);
    const auto scale = hn::Set(d, n.scale[c]), shift = hn::Set(d, n.shift[c]);
    hn::StoreU(hn::MulAdd(hn::ConvertTo(d, hn::PromoteTo(d32, low)), scale, shift), d,
               even + c * channel_stride);
    hn::StoreU(hn::MulAdd(hn::ConvertTo(d, hn::PromoteTo(d32, high)), scale, shift), d,
               odd + c * channel_stride);
  }
}

// Padded columns begin..end-1, begin even, of a row whose padded column `begin` is pixel p. Returns how many
// of them are done: all, or fewer than 2 Lanes(d) are left out where the row is narrower than that.
template <int C, class D, class T>
HWY_INLINE int64_t split_run(D d, const Normalize& n, const T* p, int64_t begin, int64_t end, float* even,
                             float* odd, int64_t channel_stride) {
  const int64_t step = 2 * int64_t(hn::Lanes(d)), count = end - begin;
  if (count < step) return 0;
  for (int64_t i = 0; i + step <= count; i += step)
    split_pixels<C>(d, n, p + i * C, even + (begin + i) / 2, odd + (begin + i) / 2, channel_stride);
  if (const int64_t i = (count - step) / 2 * 2;
      count % step > 1)  // the last whole vector overlaps the one before
    split_pixels<C>(d, n, p + i * C, even + (begin + i) / 2, odd + (begin + i) / 2, channel_stride);
  return count / 2 * 2;
}

#else
template <int C, class... Any>
int64_t split_run(const Any&...) {
  return 0;
}
#endif

HWY_INLINE float normalized(const Normalize&, int, float v) { return v; }
HWY_INLINE float normalized(const Normalize& n, int c, uint8_t v) {
  return float(v) * n.scale[c] + n.shift[c];
}

// The padded row (columns 0..2*pitch-1) of source row `row`, or a row of padding where row is null. Channel c
// goes to even + c * channel_stride and odd + c * channel_stride.
template <int C, class T>
void split_row(const Geometry& g, const T* row, float* even, float* odd, int64_t channel_stride) {
  const int64_t end = row ? std::min(g.pad_left + g.W, 2 * g.pitch) : 0;
  int64_t begin = g.pad_left;
  if (begin > 0 || end < 2 * g.pitch)
    for (int c = 0; c < C; c++) {
      std::memset(even + c * channel_stride, 0, size_t(g.pitch) * sizeof(float));
      std::memset(odd + c * channel_stride, 0, size_t(g.pitch) * sizeof(float));
    }
  if (begin >= end) return;
  if (begin % 2) {
    for (int c = 0; c < C; c++) odd[c * channel_stride + begin / 2] = normalized(g.normalize, c, row[c]);
    begin++;
  }
  const T* p = row + (begin - g.pad_left) * C;
  int64_t done =
      split_run<C>(hn::CappedTag<float, kMaxLanes>(), g.normalize, p, begin, end, even, odd, channel_stride);
  if (done == 0)
    done = split_run<C>(hn::CappedTag<float, 4>(), g.normalize, p, begin, end, even, odd, channel_stride);
  for (int64_t i = done; begin + i < end; i++) {
    float* to = ((begin + i) % 2 ? odd : even) + (begin + i) / 2;
    for (int c = 0; c < C; c++) to[c * channel_stride] = normalized(g.normalize, c, p[i * C + c]);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace gabor::cpu::first_block
HWY_AFTER_NAMESPACE();

#endif
