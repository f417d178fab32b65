#include "ops/pool2d.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "backends/reference/formulas.h"
#include "backends/reference/op_list.h"
#include "core/parallel.h"

namespace gabor::reference {
namespace {

// The part of window i (one axis) that lies in the data: taps begin..end-1, tap t at element first + t.
struct Taps {
  Taps(int64_t i, int64_t stride, int64_t before, int64_t window, int64_t extent)
      : first(i * stride - before),
        begin(std::max<int64_t>(0, -first)),
        end(std::min(window, extent - first)) {}
  int64_t first, begin, end;
};

// Calls visit(r, s, element) for the elements of window (i,j) of sample n that lie in x, in r,s order.
template <class Visit>
void for_window(const Pool2dProblem& p, int64_t n, int64_t i, int64_t j, int64_t c, Visit&& visit) {
  const Taps rows(i, p.stride_h, p.pad.top, p.R, p.H), columns(j, p.stride_w, p.pad.left, p.S, p.W);
  for (int64_t r = rows.begin; r < rows.end; r++)
    for (int64_t s = columns.begin; s < columns.end; s++)
      visit(r, s, ((n * p.H + rows.first + r) * p.W + columns.first + s) * p.C + c);
}

int64_t window_size(const Pool2dProblem& p, int64_t i, int64_t j) {
  const Taps rows(i, p.stride_h, p.pad.top, p.R, p.H), columns(j, p.stride_w, p.pad.left, p.S, p.W);
  return (rows.end - rows.begin) * (columns.end - columns.begin);
}

class ReferencePool2d final : public Pool2d {
 public:
  Support supports(const Pool2dProblem&) const override { return Support::yes(); }

  void forward(Context&, const Pool2dProblem& p, ConstTensorView x, TensorView y,
               TensorView argmax) const override {
    const int64_t outputs = p.y_shape().count();
    const float* in = input<float>("x", x, p.x_shape().count());
    float* out = output<float>("y", y, outputs);
    if (p.kind != PoolKind::max || !argmax) return pool2d_forward(p, in, out, nullptr);
    if (p.argmax_dtype() == DType::i32)
      return pool2d_forward(p, in, out, output<int32_t>("argmax", argmax, outputs));
    std::vector<int32_t> wide(outputs);
    pool2d_forward(p, in, out, wide.data());
    std::copy(wide.begin(), wide.end(), output<uint8_t>("argmax", argmax, outputs));
  }

  void backward(Context&, const Pool2dProblem& p, ConstTensorView x, ConstTensorView y,
                ConstTensorView argmax, ConstTensorView dy, TensorView dx, GradMode mode) const override {
    const int64_t inputs = p.x_shape().count(), outputs = p.y_shape().count();
    std::vector<int32_t> wide;
    if (p.kind == PoolKind::max && p.argmax_dtype() == DType::u8) {
      const uint8_t* narrow = input<uint8_t>("argmax", argmax, outputs);
      wide.assign(narrow, narrow + outputs);
    } else if (p.kind == PoolKind::max) {
      const int32_t* given = input<int32_t>("argmax", argmax, outputs);
      wide.assign(given, given + outputs);
    }
    pool2d_backward(p, p.kind == PoolKind::l2 ? input<float>("x", x, inputs) : nullptr,
                    p.needs_y() ? input<float>("y", y, outputs) : nullptr, wide.data(),
                    input<float>("dy", dy, outputs), output<float>("dx", dx, inputs), mode);
  }
};

}  // namespace

template <class T>
void pool2d_forward(const Pool2dProblem& p, const T* x, T* y, int32_t* argmax) {
  const int64_t P = p.P(), Q = p.Q();
  parallel_for(
      p.N * P,
      [&](int64_t row) {
        const int64_t n = row / P, i = row % P;
        for (int64_t j = 0; j < Q; j++)
          for (int64_t c = 0; c < p.C; c++) {
            const int64_t out = (row * Q + j) * p.C + c;
            if (p.kind == PoolKind::max) {
              T best{};
              int64_t winner = -1;
              for_window(p, n, i, j, c, [&](int64_t r, int64_t s, int64_t at) {
                const T v = x[at];
                if (winner < 0 || v > best || (std::isnan(v) && !std::isnan(best)))
                  best = v, winner = r * p.S + s;
              });
              y[out] = best;
              if (argmax) argmax[out] = int32_t(winner);
            } else {
              double sum = 0;
              for_window(p, n, i, j, c, [&](int64_t, int64_t, int64_t at) {
                const double v = x[at];
                sum += p.kind == PoolKind::l2 ? v * v : v;
              });
              y[out] = T(p.kind == PoolKind::l2 ? std::sqrt(sum) : sum / double(window_size(p, i, j)));
            }
          }
      },
      grain_of(Q * p.C * p.R * p.S));
}

template <class T>
void pool2d_backward(const Pool2dProblem& p, const T* x, const T* y, const int32_t* argmax, const T* dy,
                     T* dx, GradMode mode) {
  const int64_t P = p.P(), Q = p.Q(), sample = p.H * p.W * p.C;
  parallel_for(
      p.N,
      [&](int64_t n) {
        std::vector<double> sum(sample, 0.0);
        for (int64_t i = 0; i < P; i++)
          for (int64_t j = 0; j < Q; j++)
            for (int64_t c = 0; c < p.C; c++) {
              const int64_t out = ((n * P + i) * Q + j) * p.C + c;
              const double slope =
                  p.relu ? activation_slope({ActivationKind::relu}, double(y[out]), double(y[out])) : 1;
              const double d = dy[out] * slope, share = d / double(window_size(p, i, j));
              for_window(p, n, i, j, c, [&](int64_t r, int64_t s, int64_t at) {
                double& to = sum[at - n * sample];
                if (p.kind == PoolKind::average) to += share;
                if (p.kind == PoolKind::max && argmax[out] == r * p.S + s) to += d;
                if (p.kind == PoolKind::l2 && y[out] != 0) to += d * double(x[at]) / double(y[out]);
              });
            }
        for (int64_t i = 0; i < sample; i++) put(dx[n * sample + i], sum[i], mode);
      },
      grain_of(P * Q * p.C * p.R * p.S));
}

#define GABOR_INSTANTIATE(T)                                                                               \
  template void pool2d_forward<T>(const Pool2dProblem&, const T*, T*, int32_t*);                           \
  template void pool2d_backward<T>(const Pool2dProblem&, const T*, const T*, const int32_t*, const T*, T*, \
                                   GradMode);
GABOR_INSTANTIATE(float)
GABOR_INSTANTIATE(double)
#undef GABOR_INSTANTIATE

std::unique_ptr<const Pool2d> make_pool2d() { return std::make_unique<ReferencePool2d>(); }

}  // namespace gabor::reference
