// dw[k,r,s,c] = sum over n,p,q of dy[n,p,q,k] x[n, 2p+dr+r, 2q+dc+s, c],   (dr,dc) = arg-max of n,p,q,k; dead
// ones left out db[k]       = sum over n,p,q of dy[n,p,q,k]
//
// Idea: only winners carry gradient, a quarter of the dense work at most, so go by winner: a window's row of
// S C numbers (lanes) times its dy. Three things make the inner loop short: the rows of every window are
// copied next to each other, each on a vector boundary (an unaligned load would touch two cache lines); dead
// places are compressed away beforehand, filter by filter; what is left is a list of (offset, dy).
//
//   tile       tile_rows x tile_columns places of an image: its 2 x 2 x places windows (32 KiB, first-level
//   cache)
//              serve all filters
//   registers  up to 6 of a window's R vectors, twice (two winners at a time hide the FMA latency): 12
//   accumulators inner loop a winner: 1 broadcast + R loads with R FMAs (article: 5 x 16 lanes for 75
//   products) FLOPs      2 N P Q K R S C at most (article, N=32: 1.05 GFLOP); the roof is two vector loads a
//   cycle
// Sums: every chunk (a fixed share of the tiles) has its own partial, added in order at the end: the bits do
// not depend on the threads.
#include "backends/cpu/first_block/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/first_block/backward.cpp"
#include <hwy/foreach_target.h>
// foreach_target comes first
#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <cstring>

#include "backends/cpu/first_block/backward_args.h"
#include "backends/cpu/first_block/fours-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gabor::cpu::first_block {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::CappedTag<float, kMaxLanes>;
using V = hn::Vec<D>;
using I = hn::Rebind<int32_t, D>;
constexpr int kMaxRows = 6;  // of a window, in registers at once

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

// Lists the live places of a group's filters from `skip` on (those before are done), and adds their dy to db.
void list_winners(const BackwardArgs& a, const Tile& t, int64_t group, int skip, const BackwardScratch& at,
                  int64_t (&count)[4], float* db) {
  const D d;
  const I d32;
  const hn::Rebind<uint8_t, D> d8;
  const Geometry& g = *a.geometry;
  const int64_t capacity = BackwardScratch::list_capacity(g), rows = g.window_rows();
  const auto column_offset = hn::Set(d32, int32_t(rows * lanes())),
             row_offset = hn::Set(d32, int32_t(lanes()));
  const auto place_offset = hn::Mul(hn::Iota(d32, 0), hn::Set(d32, int32_t(2 * rows * lanes())));
  const int64_t k0 = g.group_filter(group), filters = std::min<int64_t>(4, g.K);
  float few[4 * kMaxLanes] = {};  // dy where there are no four filters to be read
  int64_t place[kMaxLanes];
  V sum[4] = {hn::Zero(d), hn::Zero(d), hn::Zero(d), hn::Zero(d)};
  for (int64_t q = t.q0; q < t.q1; q += lanes()) {
    const int64_t n = std::min(t.q1 - q, lanes());
    for (int64_t i = 0; i < lanes(); i++) place[i] = std::min(i, n - 1) * std::max<int64_t>(g.K, 4);
    const auto in_tile = hn::FirstN(d32, size_t(n));
    for (int64_t p = t.p0; p < t.p1; p++) {
      const float* dy = a.dy + ((t.n * g.P + p) * g.Q + q) * g.K + k0;
      if (g.K < 4)
        for (int64_t i = 0; i < n * g.K; i++) few[i / g.K * 4 + i % g.K] = dy[i];
      V gradient[4];
      load_fours(d, g.K < 4 ? few : dy, place, gradient);
      const auto at_place =
          hn::Add(place_offset, hn::Set(d32, int32_t(2 * ((q - t.q0) * rows + p - t.p0) * lanes())));
      const uint8_t* codes = a.argmax + t.n * g.argmax_bytes() + k0 * g.P * g.pitch + p * g.pitch + q;
      HWY_UNROLL(4)
      for (int j = 0; j < 4; j++) {
        if (j < skip || j >= filters) continue;
        const auto code = hn::PromoteTo(d32, hn::LoadU(d8, codes + j * g.P * g.pitch));
        const auto live = hn::And(hn::Lt(code, hn::Set(d32, 4)), in_tile);
        const auto live_f = hn::RebindMask(d, live);
        const auto right = hn::IfThenElseZero(hn::TestBit(code, hn::Set(d32, 1)), column_offset);
        const auto lower = hn::IfThenElseZero(hn::TestBit(code, hn::Set(d32, 2)), row_offset);
        const auto offset = hn::Add(at_place, hn::Add(right, lower));
        hn::StoreU(hn::Compress(offset, live), d32, at.offset + j * capacity + count[j]);
        hn::StoreU(hn::Compress(gradient[j], live_f), d, at.gradient + j * capacity + count[j]);
        count[j] += int64_t(hn::CountTrue(d32, live));
        sum[j] = hn::Add(sum[j], hn::IfThenElseZero(live_f, gradient[j]));
      }
    }
  }
  for (int j = skip; j < filters; j++) {
    float* to = db + (k0 + j) * kMaxLanes;
    hn::Store(hn::Add(hn::Load(d, to), sum[j]), d, to);
  }
}

// acc[j] += sum over the list of dy * (vector j of its window), j < JT.
template <int JT>
HWY_NOINLINE void accumulate(const float* windows, const int32_t* offset, const float* gradient,
                             int64_t count, float* acc) {
  const D d;
  V even[JT], odd[JT];
  HWY_UNROLL(6)
  for (int j = 0; j < JT; j++) even[j] = hn::Load(d, acc + j * lanes()), odd[j] = hn::Zero(d);
  int64_t i = 0;
  for (; i + 1 < count; i += 2) {
    const float *w0 = windows + offset[i], *w1 = windows + offset[i + 1];
    const V g0 = hn::Set(d, gradient[i]), g1 = hn::Set(d, gradient[i + 1]);
    HWY_UNROLL(6)
    for (int j = 0; j < JT; j++) {
      even[j] = hn::MulAdd(hn::Load(d, w0 + j * lanes()), g0, even[j]);
      odd[j] = hn::MulAdd(hn::Load(d, w1 + j * lanes()), g1, odd[j]);
    }
  }
  if (i < count) {
    const V g0 = hn::Set(d, gradient[i]);
    HWY_UNROLL(6)
    for (int j = 0; j < JT; j++)
      even[j] = hn::MulAdd(hn::Load(d, windows + offset[i] + j * lanes()), g0, even[j]);
  }
  HWY_UNROLL(6)
  for (int j = 0; j < JT; j++) hn::Store(hn::Add(even[j], odd[j]), d, acc + j * lanes());
}

// One filter's list, all R * vectors segments of its windows; acc is [vector][r][lane].
void accumulate_filter(const Geometry& g, const float* windows, const int32_t* offset, const float* gradient,
                       int64_t count, float* acc) {
  const int64_t parts = divide_up(g.R, kMaxRows);
  for (int64_t v = 0; v < vectors(g); v++)
    for (int64_t part = 0; part < parts; part++) {
      const int64_t r = g.R * part / parts, jt = g.R * (part + 1) / parts - r;
      const float* w = windows + v * 2 * g.tile_columns * g.window_rows() * lanes() + r * lanes();
      float* to = acc + (v * g.R + r) * lanes();
      if (jt == 1) accumulate<1>(w, offset, gradient, count, to);
      if (jt == 2) accumulate<2>(w, offset, gradient, count, to);
      if (jt == 3) accumulate<3>(w, offset, gradient, count, to);
      if (jt == 4) accumulate<4>(w, offset, gradient, count, to);
      if (jt == 5) accumulate<5>(w, offset, gradient, count, to);
      if (jt == 6) accumulate<6>(w, offset, gradient, count, to);
    }
}

// The next tile's dy and codes come from memory while this one is computed.
void prefetch_tile(const BackwardArgs& a, const Tile& t) {
  const Geometry& g = *a.geometry;
  for (int64_t p = t.p0; p < t.p1; p++) {
    const float* dy = a.dy + (t.n * g.P + p) * g.Q * g.K;
    for (int64_t i = t.q0 * g.K; i < t.q1 * g.K; i += 16) hwy::Prefetch(dy + i);
    for (int64_t k = 0; k < g.K; k++)
      hwy::Prefetch(a.argmax + t.n * g.argmax_bytes() + (k * g.P + p) * g.pitch + t.q0);
  }
}

void backward_chunks(const BackwardArgs& a, int64_t begin, int64_t end, float* scratch) {
  const Geometry& g = *a.geometry;
  const BackwardScratch at(g, scratch);
  const int64_t capacity = BackwardScratch::list_capacity(g);
  for (int64_t i = 0; i < BackwardScratch::strip_floats(g); i++)
    at.scale[i] = g.normalize.scale[i % g.C], at.shift[i] = g.normalize.shift[i % g.C];
  for (int64_t chunk = begin; chunk < end; chunk++) {
    float* dw = a.partials + chunk * g.partial_floats();
    float* db = dw + g.K * g.R * g.segment();
    std::memset(dw, 0, size_t(g.partial_floats()) * sizeof(float));
    for (int64_t item = g.items * chunk / g.chunks; item < g.items * (chunk + 1) / g.chunks; item++) {
      const Tile t(g, item);
      if (g.u8)
        fill_windows<uint8_t>(a, t, at);
      else
        fill_windows<float>(a, t, at);
      if (item + 1 < g.items) prefetch_tile(a, Tile(g, item + 1));
      for (int64_t group = 0, done = 0; group < g.groups(); group++) {
        const int64_t k0 = g.group_filter(group);
        int64_t count[4] = {};
        list_winners(a, t, group, int(done - k0), at, count, db);
        for (; done < std::min(k0 + 4, g.K); done++) {
          const int64_t j = done - k0;
          accumulate_filter(g, at.windows, at.offset + j * capacity, at.gradient + j * capacity, count[j],
                            dw + done * g.R * g.segment());
        }
      }
    }
  }
}

// dw and db of all filters from the partials, in the order of the chunks.
void reduce_partials(const BackwardArgs& a) {
  const D d;
  const Geometry& g = *a.geometry;
  HWY_ALIGN float lane[kMaxLanes] = {};
  for (int64_t k = 0; k < g.K; k++) {
    for (int64_t v = 0; v < vectors(g); v++)
      for (int64_t r = 0; r < g.R; r++) {
        V sum = hn::Zero(d);
        const float* from = a.partials + k * g.R * g.segment() + (v * g.R + r) * lanes();
        for (int64_t i = 0; i < g.chunks; i++) sum = hn::Add(sum, hn::Load(d, from + i * g.partial_floats()));
        hn::Store(sum, d, lane);
        for (int64_t i = v * lanes(); i < std::min((v + 1) * lanes(), g.S * g.C); i++) {
          float& to = a.dw[(k * g.R + r) * g.S * g.C + i];
          to = (a.accumulate ? to : 0) + lane[i - v * lanes()];
        }
      }
    if (!a.db) continue;
    V sum = hn::Zero(d);
    const float* from = a.partials + g.K * g.R * g.segment() + k * kMaxLanes;
    for (int64_t i = 0; i < g.chunks; i++) sum = hn::Add(sum, hn::Load(d, from + i * g.partial_floats()));
    a.db[k] = (a.accumulate ? a.db[k] : 0) + hn::GetLane(hn::SumOfLanes(d, sum));
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace gabor::cpu::first_block
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "core/error.h"
#include "core/parallel.h"

namespace gabor::cpu::first_block {

HWY_EXPORT(backward_chunks);
HWY_EXPORT(reduce_partials);

void backward(const FirstBlockProblem& problem, const void* x, const uint8_t* argmax, const float* dy,
              float* dw, float* db, bool accumulate, void* workspace, int threads) {
  const Geometry g(problem);
  GABOR_CHECK(reinterpret_cast<uintptr_t>(workspace) % 64 == 0);
  float* partials = static_cast<float*>(workspace);
  float* scratch = partials + g.chunks * g.partial_floats();
  const BackwardArgs args{&g, x, argmax, dy, dw, db, accumulate, partials};
  parallel_ranges(
      g.chunks,
      [&](int64_t begin, int64_t end, int thread) {
        HWY_DYNAMIC_DISPATCH(backward_chunks)
        (args, begin, end, scratch + thread * BackwardScratch::floats(g));
      },
      threads);
  HWY_DYNAMIC_DISPATCH(reduce_partials)(args);
}

}  // namespace gabor::cpu::first_block
#endif
