#include "ops/conv2d.h"

#include <vector>

#include "backends/reference/formulas.h"
#include "backends/reference/op_list.h"
#include "core/parallel.h"
#include "ops/batch_chunks.h"

namespace gabor::reference {
namespace {

// Offsets into the dense tensors of one problem.
struct Index {
  explicit Index(const Conv2dProblem& problem)
      : p(problem), P(p.P()), Q(p.Q()), group_C(p.C / p.groups), group_K(p.K / p.groups) {}
  int64_t x(int64_t n, int64_t h, int64_t w) const { return ((n * p.H + h) * p.W + w) * p.C; }
  int64_t y(int64_t n, int64_t i, int64_t j) const { return ((n * P + i) * Q + j) * p.K; }
  int64_t w(int64_t k, int64_t r, int64_t s) const { return ((k * p.R + r) * p.S + s) * group_C; }
  // First input channel that filter k reads.
  int64_t first_c(int64_t k) const { return k / group_K * group_C; }

  const Conv2dProblem& p;
  int64_t P, Q, group_C, group_K;
};

// The window position that reads element `at` of the input through tap `tap`, or -1.
int64_t position(int64_t at, int64_t tap, int64_t before, int64_t dilation, int64_t stride, int64_t count) {
  const int64_t start = at + before - tap * dilation;
  return start >= 0 && start % stride == 0 && start / stride < count ? start / stride : -1;
}

bool inside(int64_t i, int64_t extent) { return i >= 0 && i < extent; }

class ReferenceConv2d final : public Conv2d {
 public:
  Support supports(const Conv2dProblem&, Pass) const override { return Support::yes(); }
  size_t workspace_bytes(const Conv2dProblem&, Pass) const override { return 0; }

  void fprop(Context&, const Conv2dProblem& p, ConstTensorView x, ConstTensorView w, ConstTensorView b,
             TensorView y) const override {
    conv2d_fprop(p, input<float>("x", x, p.x_shape().count()), input<float>("w", w, p.w_shape().count()),
                 optional_input<float>("b", b, p.K), output<float>("y", y, p.y_shape().count()));
  }
  void dgrad(Context&, const Conv2dProblem& p, ConstTensorView dy, ConstTensorView w, TensorView dx,
             GradMode mode) const override {
    conv2d_dgrad(p, input<float>("dy", dy, p.y_shape().count()), input<float>("w", w, p.w_shape().count()),
                 output<float>("dx", dx, p.x_shape().count()), mode);
  }
  void wgrad(Context&, const Conv2dProblem& p, ConstTensorView x, ConstTensorView dy, TensorView dw,
             TensorView db, GradMode mode) const override {
    const float *in = input<float>("x", x, p.x_shape().count()),
                *grad = input<float>("dy", dy, p.y_shape().count());
    float *filters = output<float>("dw", dw, p.w_shape().count()),
          *bias = optional_output<float>("db", db, p.K);
    for_batch_chunks(p, [&](const Conv2dProblem& chunk, int64_t first) {
      conv2d_wgrad(chunk, in + first * (p.H * p.W * p.C), grad + first * (p.P() * p.Q() * p.K), filters, bias,
                   chunk_mode(first, mode));
    });
  }
};

}  // namespace

template <class T>
void conv2d_fprop(const Conv2dProblem& p, const T* x, const T* w, const T* b, T* y) {
  const Index at(p);
  parallel_for(
      p.N * at.P,
      [&](int64_t row) {
        const int64_t n = row / at.P, i = row % at.P;
        for (int64_t j = 0; j < at.Q; j++)
          for (int64_t k = 0; k < p.K; k++) {
            double sum = b ? b[k] : 0;
            for (int64_t r = 0; r < p.R; r++) {
              const int64_t h = i * p.stride_h - p.pad.top + r * p.dil_h;
              if (!inside(h, p.H)) continue;
              for (int64_t s = 0; s < p.S; s++) {
                const int64_t v = j * p.stride_w - p.pad.left + s * p.dil_w;
                if (!inside(v, p.W)) continue;
                const T* xs = x + at.x(n, h, v) + at.first_c(k);
                const T* ws = w + at.w(k, r, s);
                for (int64_t c = 0; c < at.group_C; c++) sum += double(xs[c]) * double(ws[c]);
              }
            }
            y[at.y(n, i, j) + k] = T(activate(p.activation, sum));
          }
      },
      grain_of(at.Q * p.K * p.reduction()));
}

template <class T>
void conv2d_dgrad(const Conv2dProblem& p, const T* dy, const T* w, T* dx, GradMode mode) {
  const Index at(p);
  parallel_for(
      p.N * p.H,
      [&](int64_t row) {
        const int64_t n = row / p.H, h = row % p.H;
        std::vector<double> sum(p.C);
        for (int64_t v = 0; v < p.W; v++) {
          sum.assign(p.C, 0);
          for (int64_t r = 0; r < p.R; r++) {
            const int64_t i = position(h, r, p.pad.top, p.dil_h, p.stride_h, at.P);
            if (i < 0) continue;
            for (int64_t s = 0; s < p.S; s++) {
              const int64_t j = position(v, s, p.pad.left, p.dil_w, p.stride_w, at.Q);
              if (j < 0) continue;
              for (int64_t k = 0; k < p.K; k++) {
                const double d = dy[at.y(n, i, j) + k];
                const T* ws = w + at.w(k, r, s);
                double* out = sum.data() + at.first_c(k);
                for (int64_t c = 0; c < at.group_C; c++) out[c] += d * double(ws[c]);
              }
            }
          }
          for (int64_t c = 0; c < p.C; c++) put(dx[at.x(n, h, v) + c], sum[c], mode);
        }
      },
      grain_of(p.W * p.K * p.reduction() / (p.stride_h * p.stride_w)));
}

template <class T>
void conv2d_wgrad(const Conv2dProblem& p, const T* x, const T* dy, T* dw, T* db, GradMode mode) {
  const Index at(p);
  parallel_for(
      p.K * p.R * p.S,
      [&](int64_t tap) {
        const int64_t k = tap / (p.R * p.S), r = tap / p.S % p.R, s = tap % p.S;
        std::vector<double> sum(at.group_C, 0.0);
        for (int64_t n = 0; n < p.N; n++)
          for (int64_t i = 0; i < at.P; i++) {
            const int64_t h = i * p.stride_h - p.pad.top + r * p.dil_h;
            if (!inside(h, p.H)) continue;
            for (int64_t j = 0; j < at.Q; j++) {
              const int64_t v = j * p.stride_w - p.pad.left + s * p.dil_w;
              if (!inside(v, p.W)) continue;
              const double d = dy[at.y(n, i, j) + k];
              const T* xs = x + at.x(n, h, v) + at.first_c(k);
              for (int64_t c = 0; c < at.group_C; c++) sum[c] += d * double(xs[c]);
            }
          }
        for (int64_t c = 0; c < at.group_C; c++) put(dw[at.w(k, r, s) + c], sum[c], mode);
      },
      grain_of(p.N * at.P * at.Q * at.group_C));
  if (!db) return;
  std::vector<double> sum(p.K, 0.0);
  for (int64_t row = 0; row < p.N * at.P * at.Q; row++)
    for (int64_t k = 0; k < p.K; k++) sum[k] += dy[row * p.K + k];
  for (int64_t k = 0; k < p.K; k++) put(db[k], sum[k], mode);
}

#define GABOR_INSTANTIATE(T)                                                             \
  template void conv2d_fprop<T>(const Conv2dProblem&, const T*, const T*, const T*, T*); \
  template void conv2d_dgrad<T>(const Conv2dProblem&, const T*, const T*, T*, GradMode); \
  template void conv2d_wgrad<T>(const Conv2dProblem&, const T*, const T*, T*, T*, GradMode);
GABOR_INSTANTIATE(float)
GABOR_INSTANTIATE(double)
#undef GABOR_INSTANTIATE

std::unique_ptr<const Conv2d> make_conv2d() { return std::make_unique<ReferenceConv2d>(); }

}  // namespace gabor::reference
