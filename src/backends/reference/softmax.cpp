#include "ops/softmax.h"

#include <algorithm>
#include <cmath>

#include "backends/reference/formulas.h"
#include "backends/reference/op_list.h"

namespace gabor::reference {
namespace {

class ReferenceSoftmax final : public Softmax {
 public:
  Support supports(const SoftmaxProblem&) const override { return Support::yes(); }
  void forward(Context&, const SoftmaxProblem& p, ConstTensorView x, TensorView y) const override {
    softmax_forward(p, input<float>("x", x, p.N * p.K), output<float>("y", y, p.N * p.K));
  }
  void backward(Context&, const SoftmaxProblem& p, ConstTensorView y, ConstTensorView dy, TensorView dx,
                GradMode mode) const override {
    softmax_backward(p, input<float>("y", y, p.N * p.K), input<float>("dy", dy, p.N * p.K),
                     output<float>("dx", dx, p.N * p.K), mode);
  }
};

}  // namespace

template <class T>
void softmax_forward(const SoftmaxProblem& p, const T* x, T* y) {
  for (int64_t n = 0; n < p.N; n++) {
    const T* row = x + n * p.K;
    const double max = *std::max_element(row, row + p.K);
    double sum = 0;
    for (int64_t k = 0; k < p.K; k++) sum += std::exp(row[k] - max);
    for (int64_t k = 0; k < p.K; k++) y[n * p.K + k] = T(std::exp(row[k] - max) / sum);
  }
}

template <class T>
void softmax_backward(const SoftmaxProblem& p, const T* y, const T* dy, T* dx, GradMode mode) {
  for (int64_t n = 0; n < p.N; n++) {
    double dot = 0;
    for (int64_t k = n * p.K; k < (n + 1) * p.K; k++) dot += double(dy[k]) * double(y[k]);
    for (int64_t k = n * p.K; k < (n + 1) * p.K; k++) put(dx[k], double(y[k]) * (double(dy[k]) - dot), mode);
  }
}

#define GABOR_INSTANTIATE(T)                                             \
  template void softmax_forward<T>(const SoftmaxProblem&, const T*, T*); \
  template void softmax_backward<T>(const SoftmaxProblem&, const T*, const T*, T*, GradMode);
GABOR_INSTANTIATE(float)
GABOR_INSTANTIATE(double)
#undef GABOR_INSTANTIATE

std::unique_ptr<const Softmax> make_softmax() { return std::make_unique<ReferenceSoftmax>(); }

}  // namespace gabor::reference
