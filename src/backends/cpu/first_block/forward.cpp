// y[n,p,q,k] = max(0, max over dr,dc in {0,1} of b[k] + sum over r,s,c of x[n, 2p+dr+r, 2q+dc+s, c] w[k,r,s,c])
//
// Idea: lanes are pooled places, and the padded image is first split by row and column parity ("space to
// depth"), so that the four values of a 2x2 window are one lane of four accumulators and pooling needs no
// shuffle. Every tap then is a constant distance in a plane, across row ends too, so the lanes run over a
// whole block of rows as over one line: only S/2 places a row and part of a block's last vector are computed
// in vain (article: 1.4 %; row by row it would be 8 %).
//
//   registers  kTile filters x 1 vector of places x 4 window positions (AVX-512: 6 x 4 of 32; AVX2: 3 x 4 of
//              16). A tap loads 4 vectors and broadcasts kTile weights for 4 kTile FMAs: FMA-bound
//   work item  a block of pooled rows of an image: fill its planes (second-level cache), then place by place
//              all filters: after the first tile of filters the place's cache lines are in the first level
//   FLOPs      2 N 2P 2Q K R S C (article, N=32: 4.2 GFLOP)
//   bytes      x and y once, 1 for a pooled value: far below the memory roof
//   roof       FMA; 80 % of the measured peak on AVX-512. The rest: choosing winners 6 %, NHWC stores 6 %,
//              splitting the input 5 %
#include "backends/cpu/first_block/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/first_block/forward.cpp"
#include <hwy/foreach_target.h>
// foreach_target comes first
#include <hwy/highway.h>

#include "backends/cpu/first_block/forward_args.h"
#include "backends/cpu/first_block/pixels-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gabor::cpu::first_block {
namespace HWY_NAMESPACE {

using D = hn::CappedTag<float, kMaxLanes>;
using V = hn::Vec<D>;
using I = hn::Rebind<int32_t, D>;

#if HWY_TARGET <= HWY_AVX3 || HWY_ARCH_ARM_A64
constexpr int kTile = 6;  // 32 vector registers
#else
constexpr int kTile = 3;
#endif

// Filters are dealt to as few tiles as will do, evenly: 10 = 5 + 5, not 6 + 4.
struct Tiles {
  int64_t K, count;
  explicit Tiles(int64_t filters) : K(filters), count(divide_up(filters, kTile)) {}
  int64_t begin(int64_t t) const { return K * t / count; }
};

// w as [tile][c][r][s][filter of the tile].
void pack_weights(const Geometry& g, const float* w, float* packed) {
  const Tiles tiles(g.K);
  for (int64_t t = 0; t < tiles.count; t++)
    for (int64_t c = 0; c < g.C; c++)
      for (int64_t rs = 0; rs < g.R * g.S; rs++)
        for (int64_t k = tiles.begin(t); k < tiles.begin(t + 1); k++)
          *packed++ = w[(k * g.R * g.S + rs) * g.C + c];
}

// The planes of pooled rows p0 .. p0 + block_rows: plane [c][row parity][column parity] of plane_rows x
// pitch.
template <int C, class T>
void fill_planes(const Geometry& g, const T* image, int64_t p0, float* planes) {
  for (int64_t i = 0; i < 2 * g.plane_rows; i++) {
    const int64_t h = 2 * p0 + i - g.pad_top;
    float* even = planes + (i % 2) * 2 * g.plane_size + (i / 2) * g.pitch;
    split_row<C>(g, h >= 0 && h < g.H ? image + h * g.W * C : nullptr, even, even + g.plane_size,
                 4 * g.plane_size);
  }
  for (int64_t plane = 0; plane < 4 * C; plane++)  // read by lanes that run on, whose results are dropped
    for (int64_t i = g.plane_rows * g.pitch; i < g.plane_size; i++) planes[plane * g.plane_size + i] = 0;
}

template <class T>
void fill_planes(const Geometry& g, const void* x, int64_t n, int64_t p0, float* planes) {
  const T* image = static_cast<const T*>(x) + n * g.H * g.W * g.C;
  if (g.C == 1) fill_planes<1>(g, image, p0, planes);
  if (g.C == 2) fill_planes<2>(g, image, p0, planes);
  if (g.C == 3) fill_planes<3>(g, image, p0, planes);
  if (g.C == 4) fill_planes<4>(g, image, p0, planes);
}

// One tap for a tile: x00, x01 are the window's columns in its upper row, x10, x11 in its lower.
template <int KT>
HWY_INLINE void tap(const float* x00, const float* x01, const float* x10, const float* x11, const float* w,
                    V (&acc)[KT][4]) {
  const D d;
  V wk[KT];
  HWY_UNROLL(6)
  for (int k = 0; k < KT; k++) wk[k] = hn::Set(d, w[k]);
  const float* x[4] = {x00, x01, x10, x11};
  HWY_UNROLL(4)
  for (int i = 0; i < 4; i++) {
    const V v = hn::LoadU(d, x[i]);
    HWY_UNROLL(6)
    for (int k = 0; k < KT; k++) acc[k][i] = hn::MulAdd(v, wk[k], acc[k][i]);
  }
}

// Where b beats a in the order of pooling: it is larger, or the first NaN.
HWY_INLINE hn::Mask<D> beats(V b, V a) { return hn::AndNot(hn::Le(b, a), hn::Eq(a, a)); }

// Lanes(d) places from `planes` on, KT filters: pooled values to values + k * Lanes, codes to codes + k *
// stride.
template <int KT>
HWY_NOINLINE void convolve_tile(const ForwardArgs& a, const float* planes, const float* w, const float* b,
                                float* values, uint8_t* codes, int64_t code_stride) {
  const D d;
  const int64_t plane = a.geometry->plane_size, S = a.geometry->S;
  V acc[KT][4];
  HWY_UNROLL(6)
  for (int k = 0; k < KT; k++) acc[k][0] = acc[k][1] = acc[k][2] = acc[k][3] = hn::Set(d, b[k]);
  for (const WindowRows *row = a.rows, *end = row + a.row_count; row != end; row++) {
    const float *e0 = planes + row->upper, *o0 = e0 + plane;  // even and odd columns
    const float *e1 = planes + row->lower, *o1 = e1 + plane;
    for (int64_t s = S / 2; s > 0; s--, e0++, e1++, o0++, o1++, w += 2 * KT) {
      tap<KT>(e0, o0, e1, o1, w, acc);
      tap<KT>(o0, e0 + 1, o1, e1 + 1, w + KT, acc);
    }
    if (S % 2) {
      tap<KT>(e0, o0, e1, o1, w, acc);
      w += KT;
    }
  }
  HWY_UNROLL(6)
  for (int k = 0; k < KT; k++) {
    const auto right0 = beats(acc[k][1], acc[k][0]), right1 = beats(acc[k][3], acc[k][2]);
    const V upper = hn::IfThenElse(right0, acc[k][1], acc[k][0]);
    const V lower = hn::IfThenElse(right1, acc[k][3], acc[k][2]);
    const auto down = beats(lower, upper);
    const V best = hn::IfThenElse(down, lower, upper);
    auto code = hn::IfThenElse(hn::RebindMask(I(), right1), hn::Set(I(), 3), hn::Set(I(), 2));
    code = hn::IfThenElse(hn::RebindMask(I(), down), code,
                          hn::IfThenElseZero(hn::RebindMask(I(), right0), hn::Set(I(), 1)));
    const auto dead = hn::Le(best, hn::Zero(d));  // false for NaN
    hn::Store(hn::IfThenZeroElse(dead, best), d, values + k * hn::Lanes(d));
    const hn::Rebind<uint8_t, D> d8;
    code = hn::IfThenElse(hn::RebindMask(I(), dead), hn::Set(I(), 4), code);
    hn::StoreU(hn::DemoteTo(d8, code), d8, codes + k * code_stride);
  }
}

void convolve(const ForwardArgs& a, const float* planes, float* values, uint8_t* codes, int64_t code_stride) {
  const Tiles tiles(a.geometry->K);
  const float* w = a.packed_w;
  for (int64_t t = 0; t < tiles.count; t++) {
    const int64_t k0 = tiles.begin(t), kt = tiles.begin(t + 1) - k0;
    const float* b = a.b + k0;
    float* v = values + k0 * int64_t(hn::Lanes(D()));
    uint8_t* c = codes + k0 * code_stride;
    if (kt == 1) convolve_tile<1>(a, planes, w, b, v, c, code_stride);
    if (kt == 2) convolve_tile<2>(a, planes, w, b, v, c, code_stride);
    if (kt == 3) convolve_tile<3>(a, planes, w, b, v, c, code_stride);
    if constexpr (kTile > 3) {
      if (kt == 4) convolve_tile<4>(a, planes, w, b, v, c, code_stride);
      if (kt == 5) convolve_tile<5>(a, planes, w, b, v, c, code_stride);
      if (kt == 6) convolve_tile<6>(a, planes, w, b, v, c, code_stride);
    }
    w += kt * a.geometry->C * a.geometry->R * a.geometry->S;
  }
}

// values [K][Lanes] of places first.. of the block to y (places of the block's rows, NHWC), without the S/2 spare
// columns and what is beyond the block. Filters are transposed by fours to `quads`.
void store_places(const Geometry& g, const float* values, int64_t first, int64_t places, float* quads,
                  float* y) {
  const D d;
  const int64_t K = g.K, lanes = int64_t(hn::Lanes(d)), whole = K / 4;
  if (K >= 4)
    for (int64_t j = 0; j < g.groups(); j++) {
      const float* v = values + g.group_filter(j) * lanes;
      hn::StoreInterleaved4(hn::Load(d, v), hn::Load(d, v + lanes), hn::Load(d, v + 2 * lanes),
                            hn::Load(d, v + 3 * lanes), d, quads + j * 4 * lanes);
    }
  int64_t q = first % g.pitch;
  float* at = y + (first / g.pitch * g.Q + std::min(q, g.Q)) * K;
  for (int64_t i = 0; i < lanes && first + i < places; i++, q = q + 1 == g.pitch ? 0 : q + 1) {
    if (q >= g.Q) continue;
    if (K >= 4) {
      const float* quad = quads + 4 * i;
      for (int64_t j = 0; j < whole; j++) std::memcpy(at + 4 * j, quad + j * 4 * lanes, 16);
      if (K % 4) std::memcpy(at + K - 4, quad + whole * 4 * lanes, 16);
    } else {
      for (int64_t k = 0; k < K; k++) at[k] = values[k * lanes + i];
    }
    at += K;
  }
}

// Items begin..end-1: item = n * blocks + block.
void forward_items(const ForwardArgs& a, int64_t begin, int64_t end, float* scratch) {
  const Geometry& g = *a.geometry;
  const int64_t lanes = int64_t(hn::Lanes(D()));
  const ForwardScratch at(g, scratch);
  for (int64_t item = begin; item < end; item++) {
    const int64_t n = item / g.blocks, block = item % g.blocks;
    const int64_t p0 = g.P * block / g.blocks, places = (g.P * (block + 1) / g.blocks - p0) * g.pitch;
    if (g.u8)
      fill_planes<uint8_t>(g, a.x, n, p0, at.planes);
    else
      fill_planes<float>(g, a.x, n, p0, at.planes);
    float* y = a.y + (n * g.P + p0) * g.Q * g.K;
    uint8_t* argmax = a.argmax ? a.argmax + n * g.argmax_bytes() + p0 * g.pitch : nullptr;
    for (int64_t i = 0; i < places; i += lanes) {
      const bool whole = argmax && i + lanes <= places;  // else the codes must not run into the next block's
      convolve(a, at.planes + i, at.values, whole ? argmax + i : at.codes, whole ? g.P * g.pitch : lanes);
      if (argmax && !whole)
        for (int64_t k = 0; k < g.K; k++)
          std::memcpy(argmax + k * g.P * g.pitch + i, at.codes + k * lanes, size_t(places - i));
      store_places(g, at.values, i, places, at.quads, y);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace gabor::cpu::first_block
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "core/error.h"
#include "core/parallel.h"

namespace gabor::cpu::first_block {

HWY_EXPORT(pack_weights);
HWY_EXPORT(forward_items);

void forward(const FirstBlockProblem& problem, const void* x, const float* w, const float* b, float* y,
             uint8_t* argmax, void* workspace, int threads) {
  const Geometry g(problem);
  GABOR_CHECK(reinterpret_cast<uintptr_t>(workspace) % 64 == 0);
  float* packed = static_cast<float*>(workspace);
  float* bias = packed + round_up(g.K * g.R * g.S * g.C, 16);
  HWY_DYNAMIC_DISPATCH(pack_weights)(g, w, packed);
  for (int64_t k = 0; k < g.K; k++) bias[k] = b ? b[k] : 0;
  float* scratch = bias + round_up(g.K, 16);
  const ForwardArgs args(g, x, packed, bias, y, argmax);
  parallel_ranges(
      g.N * g.blocks,
      [&](int64_t begin, int64_t end, int thread) {
        HWY_DYNAMIC_DISPATCH(forward_items)(args, begin, end, scratch + thread * ForwardScratch::floats(g));
      },
      threads);
}

std::vector<int64_t> compiled_targets() {
  std::vector<int64_t> list;
  for (uint64_t rest = uint64_t(HWY_TARGETS); rest; rest &= rest - 1)
    list.push_back(int64_t(rest & (0 - rest)));
  return list;
}

}  // namespace gabor::cpu::first_block
#endif
