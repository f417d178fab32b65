// Pooling forward, NHWC, vectorised over C: a thread owns output rows; for each position up to four vectors
// of channels go through the window's taps in r,s order and are written once. Every x is read once per window
// it lies in, y (4 bytes) and arg-max (1 byte) are written once: memory is the roof.
#include "backends/cpu/pool2d.h"

#include "backends/cpu/kernels.h"
#include "backends/cpu/ops.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/pool2d.cpp"
#include "hwy/foreach_target.h"
//
#include "backends/cpu/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gabor::cpu::HWY_NAMESPACE {

// Max with arg-max. A tap wins when it is larger, or when it is the first NaN.
template <int V, class L, class Index>
HWY_INLINE void max_window(const L& lanes, const Pool2dProblem& p, Taps rows, Taps columns, const float* x,
                           float* y, Index* argmax) {
  const auto d = lanes.d;
  const hn::RebindToSigned<decltype(lanes.d)> di;
  const int64_t step = int64_t(hn::Lanes(d));
  hn::Vec<decltype(lanes.d)> best[V];
  hn::Vec<decltype(di)> index[V];
  const float* first = x + (rows.first * p.W + columns.first) * p.C;
  for (int v = 0; v < V; v++) {
    best[v] = lanes.load(first + v * step);
    index[v] = hn::Set(di, int32_t(rows.first * p.S + columns.first));
  }
  for (int64_t r = rows.first; r < rows.last; r++)
    for (int64_t s = columns.first; s < columns.last; s++) {
      const float* from = x + (r * p.W + s) * p.C;
      for (int v = 0; v < V; v++) {
        const auto value = lanes.load(from + v * step);
        const auto wins = hn::AndNot(hn::IsNaN(best[v]), hn::Not(hn::Le(value, best[v])));
        best[v] = hn::IfThenElse(wins, value, best[v]);
        index[v] = hn::IfThenElse(hn::RebindMask(di, wins), hn::Set(di, int32_t(r * p.S + s)), index[v]);
      }
    }
  for (int v = 0; v < V; v++) {
    lanes.store(best[v], y + v * step);
    if (argmax) lanes.store_index(index[v], argmax + v * step);
  }
}

// Average and l2.
template <int V, bool kSquares, class L>
HWY_INLINE void sum_window(const L& lanes, const Pool2dProblem& p, Taps rows, Taps columns, const float* x,
                           float* y) {
  const auto d = lanes.d;
  const int64_t step = int64_t(hn::Lanes(d));
  hn::Vec<decltype(lanes.d)> sum[V];
  for (int v = 0; v < V; v++) sum[v] = hn::Zero(d);
  for (int64_t r = rows.first; r < rows.last; r++)
    for (int64_t s = columns.first; s < columns.last; s++) {
      const float* from = x + (r * p.W + s) * p.C;
      for (int v = 0; v < V; v++) {
        const auto value = lanes.load(from + v * step);
        sum[v] = kSquares ? hn::MulAdd(value, value, sum[v]) : hn::Add(sum[v], value);
      }
    }
  const auto count = hn::Set(d, float((rows.last - rows.first) * (columns.last - columns.first)));
  for (int v = 0; v < V; v++) lanes.store(kSquares ? hn::Sqrt(sum[v]) : hn::Div(sum[v], count), y + v * step);
}

template <PoolKind kKind, int V, class L, class Index>
HWY_INLINE void window(const L& lanes, const Pool2dProblem& p, Taps rows, Taps columns, const float* x,
                       float* y, Index* argmax) {
  // The usual window as constants, for the compiler to unroll.
  constexpr Taps kTwo{0, 0, 2};
  if (kKind == PoolKind::max && rows.first == 0 && rows.last == 2 && columns.first == 0 && columns.last == 2)
    max_window<V>(lanes, p, kTwo, kTwo, x, y, argmax);
  else if constexpr (kKind == PoolKind::max)
    max_window<V>(lanes, p, rows, columns, x, y, argmax);
  else
    sum_window<V, kKind == PoolKind::l2>(lanes, p, rows, columns, x, y);
}

template <PoolKind kKind, class D, class Index>
void forward_rows(D d, const Pool2dProblem& p, const float* x, float* y, Index* argmax, int64_t begin,
                  int64_t end) {
  const int64_t P = p.P(), Q = p.Q(), C = p.C, L = int64_t(hn::Lanes(d));
  const float *const x_end = x + p.N * p.H * p.W * C, *const y_end = y + end * Q * C;
  for (int64_t row = begin; row < end; row++) {
    const Taps rows = taps_at(row % P, p.stride_h, p.pad.top, p.R, p.H);
    const float* image = x + row / P * p.H * p.W * C + rows.start * p.W * C;
    for (int64_t q = 0; q < Q; q++) {
      const Taps columns = taps_at(q, p.stride_w, p.pad.left, p.S, p.W);
      const float* from = image + columns.start * C;
      float* to = y + (row * Q + q) * C;
      Index* index = argmax ? argmax + (row * Q + q) * C : nullptr;
      const auto at = [&](int64_t c) { return index ? index + c : nullptr; };
      int64_t c = 0;
      for (; c + 4 * L <= C; c += 4 * L)
        window<kKind, 4>(Part<D, false>{d, L}, p, rows, columns, from + c, to + c, at(c));
      for (; c + L <= C; c += L)
        window<kKind, 1>(Part<D, false>{d, L}, p, rows, columns, from + c, to + c, at(c));
      if (c == C) continue;
      // With less than a vector of channels whole vectors are written all the same where the next positions,
      // which come later, put right what is too much: masked stores cost several times as much.
      const float* last_tap = from + ((rows.last - 1) * p.W + columns.last - 1) * C;
      if (C < L && to + L <= y_end && last_tap + L <= x_end)
        window<kKind, 1>(Part<D, false>{d, L}, p, rows, columns, from, to, at(0));
      else
        window<kKind, 1>(Part<D, true>{d, C - c}, p, rows, columns, from + c, to + c, at(c));
    }
  }
}

void ForwardRows(const Pool2dProblem& p, const float* x, float* y, void* argmax, int64_t begin, int64_t end) {
  const hn::ScalableTag<float> d;
  auto* bytes = static_cast<uint8_t*>(argmax);
  switch (p.kind) {
    case PoolKind::max:
      if (p.argmax_dtype() == DType::i32)
        return forward_rows<PoolKind::max>(d, p, x, y, static_cast<int32_t*>(argmax), begin, end);
      // Few channels fill half a wide vector; the narrow one crosses fewer cache lines.
      if (p.C <= 8) return forward_rows<PoolKind::max>(hn::CappedTag<float, 8>(), p, x, y, bytes, begin, end);
      return forward_rows<PoolKind::max>(d, p, x, y, bytes, begin, end);
    case PoolKind::average:
      return forward_rows<PoolKind::average>(d, p, x, y, bytes, begin, end);
    case PoolKind::l2:
      return forward_rows<PoolKind::l2>(d, p, x, y, bytes, begin, end);
  }
}

}  // namespace gabor::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gabor::cpu {
namespace {

HWY_EXPORT(ForwardRows);

class CpuPool2d final : public Pool2d {
 public:
  Support supports(const Pool2dProblem&) const override { return Support::yes(); }

  void forward(Context&, const Pool2dProblem& p, ConstTensorView x, TensorView y,
               TensorView argmax) const override {
    const float* in = x.as<float>();
    float* out = y.as<float>();
    if (argmax) GABOR_CHECK(argmax.dtype == p.argmax_dtype());
    rows(p.N * p.P(), p.Q() * p.C * p.R * p.S, [&](int64_t begin, int64_t end) {
      HWY_DYNAMIC_DISPATCH(ForwardRows)(p, in, out, argmax.data, begin, end);
    });
  }

  void backward(Context&, const Pool2dProblem& p, ConstTensorView x, ConstTensorView y,
                ConstTensorView argmax, ConstTensorView dy, TensorView dx, GradMode mode) const override {
    const float *in = x.as<float>(), *out = y.as<float>(), *grad = dy.as<float>();
    float* to = dx.as<float>();
    if (p.kind == PoolKind::max) GABOR_CHECK(argmax && argmax.dtype == p.argmax_dtype());
    GABOR_CHECK(in || p.kind != PoolKind::l2);
    GABOR_CHECK(out || !p.needs_y());
    rows(p.N * p.H, p.W * p.C, [&](int64_t begin, int64_t end) {
      pool2d_backward(p, in, out, argmax.data, grad, to, mode == GradMode::accumulate, begin, end);
    });
  }

 private:
  // Ranges of rows, each thread with at least kGrain elements of work.
  template <class Body>
  static void rows(int64_t count, int64_t elements_per_row, Body&& body) {
    parallel_ranges(
        count, [&](int64_t begin, int64_t end, int) { body(begin, end); },
        threads_for(count * elements_per_row));
  }
};

}  // namespace

std::unique_ptr<Pool2d> make_pool2d() { return std::make_unique<CpuPool2d>(); }

}  // namespace gabor::cpu
#endif
