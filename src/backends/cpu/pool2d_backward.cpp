// Pooling backward, NHWC: a thread owns rows of dx. Windows that overlap add up in the order p, q, s; where
// no two windows share an element each dx is written exactly once, straight from dy, with no zeroing pass
// before. Bytes: dx 4, dy 4 (back through ReLU: y 4 too) and arg-max 1 per row of the window that is served: memory is
// the roof.
#include "backends/cpu/pool2d.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/pool2d_backward.cpp"
#include "hwy/foreach_target.h"
//
#include "backends/cpu/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gabor::cpu::HWY_NAMESPACE {

// One row of windows seen from one row of dx. Pointers are at q = 0 and w = 0, channel 0.
struct Row {
  const float *x, *y, *dy;
  const void* argmax;
  float* dx;
  int64_t r;     // the row of the windows that lies on this row of dx
  int64_t rows;  // how many rows of the windows lie in x
  bool add;      // to what dx holds
  int64_t dx_left,
      y_left;  // elements from dx to the end of the thread's range, from dy to the end of the tensor
};

// The gradient of one window, for the lanes at channel c, into its taps [first, last) on this row.
template <PoolKind kKind, class Index, class L>
HWY_INLINE void spread(const L& lanes, const Pool2dProblem& p, const Row& row, Taps columns, int64_t q,
                       int64_t c) {
  const auto d = lanes.d;
  const hn::RebindToSigned<decltype(lanes.d)> di;
  const int64_t at = q * p.C + c;
  auto g = lanes.load(row.dy + at);
  auto index = hn::Zero(di);
  auto y = hn::Zero(d);
  if constexpr (kKind == PoolKind::max) {
    index = lanes.load_index(static_cast<const Index*>(row.argmax) + at);
    if (p.relu) g = hn::IfThenZeroElse(hn::Le(lanes.load(row.y + at), hn::Zero(d)), g);  // of NaN it stays
  }
  if constexpr (kKind == PoolKind::average)
    g = hn::Div(g, hn::Set(d, float(row.rows * (columns.last - columns.first))));
  if constexpr (kKind == PoolKind::l2) y = lanes.load(row.y + at);
  for (int64_t s = columns.first; s < columns.last; s++) {
    const int64_t to = (columns.start + s) * p.C + c;
    auto v = g;
    if constexpr (kKind == PoolKind::max)
      v = hn::IfThenElseZero(hn::RebindMask(d, hn::Eq(index, hn::Set(di, int32_t(row.r * p.S + s)))), g);
    if constexpr (kKind == PoolKind::l2)
      v = hn::IfThenElse(hn::Eq(y, hn::Zero(d)), y, hn::Mul(g, hn::Div(lanes.load(row.x + to), y)));
    if (row.add) v = hn::Add(v, lanes.load(row.dx + to));
    lanes.store(v, row.dx + to);
  }
}

template <PoolKind kKind, class Index, class D>
HWY_INLINE void backward_row(D d, const Pool2dProblem& p, const Row& row) {
  const int64_t C = p.C, L = int64_t(hn::Lanes(d)), Q = p.Q();
  int64_t done = 0;  // columns of dx written so far, when nothing is added
  const auto zero_to = [&](int64_t w) {
    if (row.add || w <= done) return;
    std::memset(row.dx + done * C, 0, size_t((w - done) * C) * sizeof(float));
  };
  for (int64_t q = 0; q < Q; q++) {
    const Taps columns = taps_at(q, p.stride_w, p.pad.left, p.S, p.W);
    zero_to(columns.start + columns.first);
    int64_t c = 0;
    for (; c + L <= C; c += L) spread<kKind, Index>(Part<D, false>{d, L}, p, row, columns, q, c);
    // Less than a vector of channels: as in the forward, whole vectors where later ones put right what is too
    // much.
    const int64_t last_tap = (columns.start + columns.last - 1) * C;
    if (!row.add && C < L && last_tap + L <= row.dx_left && q * C + L <= row.y_left)
      spread<kKind, Index>(Part<D, false>{d, L}, p, row, columns, q, 0);
    else if (c < C)
      spread<kKind, Index>(Part<D, true>{d, C - c}, p, row, columns, q, c);
    done = columns.start + columns.last;
  }
  zero_to(p.W);
}

template <PoolKind kKind, class Index, class D>
void backward_rows(D d, const Pool2dProblem& p, const float* x, const float* y, const Index* argmax,
                   const float* dy, float* dx, bool accumulate, int64_t begin, int64_t end) {
  const int64_t P = p.P(), Q = p.Q(), C = p.C;
  const bool disjoint = (p.stride_h >= p.R || P == 1) && (p.stride_w >= p.S || Q == 1);
  for (int64_t i = begin; i < end; i++) {
    const int64_t n = i / p.H, padded = i % p.H + p.pad.top;
    float* to = dx + i * p.W * C;
    // Windows p with 0 <= padded - p stride_h < R.
    const int64_t last = std::min(padded / p.stride_h, P - 1);
    const int64_t first = padded < p.R ? 0 : (padded - p.R) / p.stride_h + 1;
    const bool direct = disjoint && first <= last && !accumulate;
    if (!direct && !accumulate) std::memset(to, 0, size_t(p.W * C) * sizeof(float));
    for (int64_t at = first; at <= last; at++) {
      const Taps rows = taps_at(at, p.stride_h, p.pad.top, p.R, p.H);
      const int64_t offset = (n * P + at) * Q * C;
      backward_row<kKind, Index>(d, p,
                                 Row{.x = x ? x + i * p.W * C : nullptr,
                                     .y = y ? y + offset : nullptr,
                                     .dy = dy + offset,
                                     .argmax = argmax ? argmax + offset : nullptr,
                                     .dx = to,
                                     .r = padded - at * p.stride_h,
                                     .rows = rows.last - rows.first,
                                     .add = !direct,
                                     .dx_left = (end - i) * p.W * C,
                                     .y_left = p.N * P * Q * C - offset});
    }
  }
}

void BackwardRows(const Pool2dProblem& p, const float* x, const float* y, const void* argmax, const float* dy,
                  float* dx, bool accumulate, int64_t begin, int64_t end) {
  const hn::ScalableTag<float> d;
  const auto* bytes = static_cast<const uint8_t*>(argmax);
  switch (p.kind) {
    case PoolKind::max:
      if (p.argmax_dtype() == DType::i32)
        return backward_rows<PoolKind::max>(d, p, x, y, static_cast<const int32_t*>(argmax), dy, dx,
                                            accumulate, begin, end);
      if (p.C <= 8)
        return backward_rows<PoolKind::max>(hn::CappedTag<float, 8>(), p, x, y, bytes, dy, dx, accumulate,
                                            begin, end);
      return backward_rows<PoolKind::max>(d, p, x, y, bytes, dy, dx, accumulate, begin, end);
    case PoolKind::average:
      return backward_rows<PoolKind::average>(d, p, x, y, bytes, dy, dx, accumulate, begin, end);
    case PoolKind::l2:
      return backward_rows<PoolKind::l2>(d, p, x, y, bytes, dy, dx, accumulate, begin, end);
  }
}

}  // namespace gabor::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gabor::cpu {

HWY_EXPORT(BackwardRows);

void pool2d_backward(const Pool2dProblem& p, const float* x, const float* y, const void* argmax,
                     const float* dy, float* dx, bool accumulate, int64_t begin, int64_t end) {
  HWY_DYNAMIC_DISPATCH(BackwardRows)(p, x, y, argmax, dy, dx, accumulate, begin, end);
}

}  // namespace gabor::cpu
#endif
