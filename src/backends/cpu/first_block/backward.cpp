// dw[k,r,s,c] = sum over n,p,q of dy[n,p,q,k] x[n, 2p+dr+r, 2q+dc+s, c],  (dr,dc) = winner of n,p,q,k
// db[k]       = sum over n,p,q of dy[n,p,q,k];  dead places are left out of both.
//
// Idea: only winners carry gradient, a quarter of the dense work at most, so go by winner: each row of its
// window, S C numbers side by side (lanes), times its dy. Two things make the inner loop short. The rows of
// every window are copied next to each other, each on a vector boundary: loaded from the image, most would
// straddle two cache lines (measured: 3.8 against 6.2 cycles a winner, of 5 rows). And dead places are
// compressed away beforehand, filter by filter, so that a list of (offset of the window, dy) is left.
//
//   tile        tile_rows x tile_columns places of an image; their windows (32 KiB: first-level cache) serve
//               all filters
//   registers   up to 6 rows of a window, twice, so that two winners at a time hide the FMA latency
//   inner loop  a winner: 1 broadcast, R loads and R FMAs (article: 5 x 16 lanes for 75 products)
//   FLOPs       at most 2 N P Q K R S C (article, N=32: 1.05 GFLOP); bytes: x, dy and argmax once
//   roof        two vector loads a cycle: 3 cycles a winner of the article's; as measured 4, and 3 more for
//               windows and lists
//
// Sums: every part of a chunk of the batch (chunk_parts.h) has its own partial, added in order at the end: the
// bits do not depend on the threads.
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
#include "backends/cpu/first_block/windows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gabor::cpu::first_block {
namespace HWY_NAMESPACE {

constexpr int kMaxRows = 6;  // of a window, in registers at once

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

void backward_parts(const BackwardArgs& a, int64_t begin, int64_t end, float* scratch) {
  const Geometry& g = *a.geometry;
  const BackwardScratch at(g, scratch);
  const int64_t capacity = BackwardScratch::list_capacity(g);
  for (int64_t i = 0; i < BackwardScratch::strip_floats(g); i++)
    at.scale[i] = g.normalize.scale[i % g.C], at.shift[i] = g.normalize.shift[i % g.C];
  for (int64_t number = begin; number < end; number++) {
    float* dw = a.partials + number * g.partial_floats();
    float* db = dw + g.K * g.R * g.segment();
    std::memset(dw, 0, size_t(g.partial_floats()) * sizeof(float));
    const ChunkParts::Part part = g.parts.part(number);
    for (int64_t item = part.begin; item < part.end; item++) {
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

// dw and db of all filters from the partials of a chunk, in order.
void reduce_partials(const BackwardArgs& a, int64_t chunk) {
  const D d;
  const Geometry& g = *a.geometry;
  const float* partials = a.partials + g.parts.first(chunk) * g.partial_floats();
  const bool accumulate = a.accumulate || chunk > 0;
  const auto total = [&](const float* from) HWY_ATTR {
    V sum = hn::Zero(d);
    for (int64_t i = 0; i < g.parts.of(chunk); i++)
      sum = hn::Add(sum, hn::Load(d, from + i * g.partial_floats()));
    return sum;
  };
  HWY_ALIGN float lane[kMaxLanes] = {};
  for (int64_t k = 0; k < g.K; k++) {
    for (int64_t v = 0; v < vectors(g); v++)
      for (int64_t r = 0; r < g.R; r++) {
        hn::Store(total(partials + k * g.R * g.segment() + (v * g.R + r) * lanes()), d, lane);
        for (int64_t i = v * lanes(); i < std::min((v + 1) * lanes(), g.S * g.C); i++) {
          float& to = a.dw[(k * g.R + r) * g.S * g.C + i];
          to = (accumulate ? to : 0) + lane[i - v * lanes()];
        }
      }
    if (!a.db) continue;
    const V sum = total(partials + g.K * g.R * g.segment() + k * kMaxLanes);
    a.db[k] = (accumulate ? a.db[k] : 0) + hn::GetLane(hn::SumOfLanes(d, sum));
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace gabor::cpu::first_block
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "core/error.h"
#include "core/parallel.h"

namespace gabor::cpu::first_block {

HWY_EXPORT(backward_parts);
HWY_EXPORT(reduce_partials);

void backward(const FirstBlockProblem& problem, const void* x, const uint8_t* argmax, const float* dy,
              float* dw, float* db, bool accumulate, void* workspace, int threads) {
  GABOR_CHECK(reinterpret_cast<uintptr_t>(workspace) % 64 == 0);
  const size_t pixel = size_of(problem.input);
  for_batch_chunks(
      problem,
      [&](const FirstBlockProblem& some, int64_t first) {
        const Geometry g(some);
        float* partials = static_cast<float*>(workspace);
        float* scratch = partials + g.parts.count() * g.partial_floats();
        const BackwardArgs args{&g,
                                static_cast<const char*>(x) + size_t(first * g.H * g.W * g.C) * pixel,
                                argmax + first * g.argmax_bytes(),
                                dy + first * g.P * g.Q * g.K,
                                dw,
                                db,
                                accumulate || first > 0,
                                partials};
        parallel_ranges(
            g.parts.count(),
            [&](int64_t begin, int64_t end, int thread) {
              HWY_DYNAMIC_DISPATCH(backward_parts)
              (args, begin, end, scratch + thread * BackwardScratch::floats(g));
            },
            threads);
        for (int64_t chunk = 0; chunk < g.parts.chunks(); chunk++)
          HWY_DYNAMIC_DISPATCH(reduce_partials)(args, chunk);
      },
      kChunksAtOnce);
}

}  // namespace gabor::cpu::first_block
#endif
