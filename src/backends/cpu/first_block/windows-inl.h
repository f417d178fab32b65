// The windows of a tile of pooled places, copied from the image so that each of their rows starts on a vector
// boundary. Included once for each instruction set (Highway's foreach_target).
#if defined(GABOR_FIRST_BLOCK_WINDOWS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef GABOR_FIRST_BLOCK_WINDOWS_INL_H_
#undef GABOR_FIRST_BLOCK_WINDOWS_INL_H_
#else
#define GABOR_FIRST_BLOCK_WINDOWS_INL_H_
#endif

#include <hwy/highway.h>

#include "backends/cpu/first_block/backward_args.h"

HWY_BEFORE_NAMESPACE();
namespace gabor::cpu::first_block {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::CappedTag<float, kMaxLanes>;
using V = hn::Vec<D>;
using I = hn::Rebind<int32_t, D>;

HWY_INLINE int64_t lanes() { return int64_t(hn::Lanes(D())); }
HWY_INLINE int64_t vectors(const Geometry& g) { return divide_up(g.S * g.C, lanes()); }

struct Tile {
  int64_t n, p0, p1, q0, q1;
  Tile(const Geometry& g, int64_t item) {
    const int64_t tq = item % g.tiles_q, tp = item / g.tiles_q % g.tiles_p;
    n = item / g.tiles_q / g.tiles_p;
    p0 = g.P * tp / g.tiles_p, p1 = g.P * (tp + 1) / g.tiles_p;
    q0 = g.Q * tq / g.tiles_q, q1 = g.Q * (tq + 1) / g.tiles_q;
  }
};

// A vector of normalised input; scale and shift are the ones of its lanes' channels.
HWY_INLINE V load_input(const float* x, V, V) { return hn::LoadU(D(), x); }
HWY_INLINE V load_input(const uint8_t* x, V scale, V shift) {
  const hn::Rebind<uint8_t, D> d8;
  return hn::MulAdd(hn::ConvertTo(D(), hn::PromoteTo(I(), hn::LoadU(d8, x))), scale, shift);
}

// Columns w..w+count-1 of row h of image n to at.strip, normalised, zeros outside of the image and after the
// end.
template <class T>
void fill_strip(const BackwardArgs& a, const BackwardScratch& at, int64_t n, int64_t h, int64_t w,
                int64_t count) {
  const D d;
  const Geometry& g = *a.geometry;
  const bool inside = h >= 0 && h < g.H;
  const int64_t first = inside ? std::clamp<int64_t>(-w, 0, count) * g.C : 0;
  const int64_t last = inside ? std::clamp<int64_t>(g.W - w, 0, count) * g.C : 0;
  const T* x = static_cast<const T*>(a.x) + ((n * g.H + h) * g.W + w) * g.C;
  std::fill(at.strip, at.strip + first, 0.0f);
  T rest[kMaxLanes] = {};
  for (int64_t i = first; i < last; i += lanes()) {
    if (i + lanes() > last) std::copy(x + i, x + last, rest);
    const V scale = hn::LoadU(d, at.scale + i - first), shift = hn::LoadU(d, at.shift + i - first);
    hn::StoreU(load_input(i + lanes() > last ? rest : x + i, scale, shift), d, at.strip + i);
  }
  std::fill(at.strip + last, at.strip + BackwardScratch::strip_floats(g), 0.0f);
}

// A row of every window of the tile: vector v of the one that starts at column i comes from x + i * C + v *
// lanes.
template <class T>
HWY_INLINE void fill_window_row(const Geometry& g, const T* x, const BackwardScratch& at, int64_t columns,
                                float* to) {
  const D d;
  const int64_t C = g.C, stride = g.window_rows() * lanes();
  for (int64_t v = 0; v < vectors(g); v++, x += lanes(), to += 2 * g.tile_columns * stride) {
    const V scale = hn::Load(d, at.scale + v * lanes()), shift = hn::Load(d, at.shift + v * lanes());
    for (int64_t i = 0; i < columns; i++) hn::Store(load_input(x + i * C, scale, shift), d, to + i * stride);
  }
}

template <class T>
void fill_windows(const BackwardArgs& a, const Tile& t, const BackwardScratch& at) {
  const Geometry& g = *a.geometry;
  const int64_t columns = 2 * (t.q1 - t.q0), count = columns + g.S - 1, w = 2 * t.q0 - g.pad_left;
  const int64_t run_on =
      vectors(g) * lanes() - g.S * g.C;  // elements that the last window's vectors read too many
  for (int64_t row = 0; row < 2 * (t.p1 - t.p0) + g.R - 1; row++) {
    const int64_t h = 2 * t.p0 + row - g.pad_top, from = ((t.n * g.H + h) * g.W + w) * g.C;
    const bool inside = h >= 0 && h < g.H && w >= 0 && w + count <= g.W;
    if (inside && from + count * g.C + run_on <= g.N * g.H * g.W * g.C) {
      fill_window_row(g, static_cast<const T*>(a.x) + from, at, columns, at.windows + row * lanes());
    } else {
      fill_strip<T>(a, at, t.n, h, w, count);
      fill_window_row(g, at.strip, at, columns, at.windows + row * lanes());
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace gabor::cpu::first_block
HWY_AFTER_NAMESPACE();

#endif
