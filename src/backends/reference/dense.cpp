#include "ops/dense.h"

#include <vector>

#include "backends/reference/formulas.h"
#include "backends/reference/op_list.h"
#include "core/parallel.h"
#include "ops/batch_chunks.h"

namespace gabor::reference {
namespace {

class ReferenceDense final : public Dense {
 public:
  Support supports(const DenseProblem&, Pass) const override { return Support::yes(); }
  size_t workspace_bytes(const DenseProblem&, Pass) const override { return 0; }

  void fprop(Context&, const DenseProblem& p, ConstTensorView x, ConstTensorView w, ConstTensorView b,
             TensorView y) const override {
    dense_fprop(p, input<float>("x", x, p.N * p.C), input<float>("w", w, p.K * p.C),
                optional_input<float>("b", b, p.K), output<float>("y", y, p.N * p.K));
  }
  void dgrad(Context&, const DenseProblem& p, ConstTensorView dy, ConstTensorView w, TensorView dx,
             GradMode mode) const override {
    dense_dgrad(p, input<float>("dy", dy, p.N * p.K), input<float>("w", w, p.K * p.C),
                output<float>("dx", dx, p.N * p.C), mode);
  }
  void wgrad(Context&, const DenseProblem& p, ConstTensorView x, ConstTensorView dy, TensorView dw,
             TensorView db, GradMode mode) const override {
    const float *in = input<float>("x", x, p.N * p.C), *grad = input<float>("dy", dy, p.N * p.K);
    float *weights = output<float>("dw", dw, p.K * p.C), *bias = optional_output<float>("db", db, p.K);
    for_batch_chunks(p, [&](const DenseProblem& chunk, int64_t first) {
      dense_wgrad(chunk, in + first * p.C, grad + first * p.K, weights, bias, chunk_mode(first, mode));
    });
  }
};

}  // namespace

template <class T>
void dense_fprop(const DenseProblem& p, const T* x, const T* w, const T* b, T* y) {
  parallel_for(
      p.N,
      [&](int64_t n) {
        for (int64_t k = 0; k < p.K; k++) {
          double sum = b ? b[k] : 0;
          for (int64_t c = 0; c < p.C; c++) sum += double(x[n * p.C + c]) * double(w[k * p.C + c]);
          y[n * p.K + k] = T(activate(p.activation, sum));
        }
      },
      grain_of(p.C * p.K));
}

template <class T>
void dense_dgrad(const DenseProblem& p, const T* dy, const T* w, T* dx, GradMode mode) {
  parallel_for(
      p.N,
      [&](int64_t n) {
        std::vector<double> sum(p.C, 0.0);
        for (int64_t k = 0; k < p.K; k++)
          for (int64_t c = 0; c < p.C; c++) sum[c] += double(dy[n * p.K + k]) * double(w[k * p.C + c]);
        for (int64_t c = 0; c < p.C; c++) put(dx[n * p.C + c], sum[c], mode);
      },
      grain_of(p.C * p.K));
}

template <class T>
void dense_wgrad(const DenseProblem& p, const T* x, const T* dy, T* dw, T* db, GradMode mode) {
  parallel_for(
      p.K,
      [&](int64_t k) {
        std::vector<double> sum(p.C, 0.0);
        double bias = 0;
        for (int64_t n = 0; n < p.N; n++) {
          const double d = dy[n * p.K + k];
          for (int64_t c = 0; c < p.C; c++) sum[c] += d * double(x[n * p.C + c]);
          bias += d;
        }
        for (int64_t c = 0; c < p.C; c++) put(dw[k * p.C + c], sum[c], mode);
        if (db) put(db[k], bias, mode);
      },
      grain_of(p.C * p.N));
}

#define GABOR_INSTANTIATE(T)                                                           \
  template void dense_fprop<T>(const DenseProblem&, const T*, const T*, const T*, T*); \
  template void dense_dgrad<T>(const DenseProblem&, const T*, const T*, T*, GradMode); \
  template void dense_wgrad<T>(const DenseProblem&, const T*, const T*, T*, T*, GradMode);
GABOR_INSTANTIATE(float)
GABOR_INSTANTIATE(double)
#undef GABOR_INSTANTIATE

std::unique_ptr<const Dense> make_dense() { return std::make_unique<ReferenceDense>(); }

}  // namespace gabor::reference
