#include "ops/batchnorm.h"

#include <cmath>

#include "backends/reference/formulas.h"
#include "backends/reference/op_list.h"
#include "core/parallel.h"

namespace gabor::reference {
namespace {

class ReferenceBatchNorm final : public BatchNorm {
 public:
  Support supports(const BatchNormProblem&) const override { return Support::yes(); }
  size_t workspace_bytes(const BatchNormProblem&) const override { return 0; }

  void forward_training(Context&, const BatchNormProblem& p, ConstTensorView x, ConstTensorView gamma,
                        ConstTensorView beta, TensorView y, TensorView mean, TensorView rstd,
                        TensorView running_mean, TensorView running_var) const override {
    const int64_t n = p.rows * p.C;
    batchnorm_forward_training(p, input<float>("x", x, n), input<float>("gamma", gamma, p.C),
                               input<float>("beta", beta, p.C), output<float>("y", y, n),
                               output<float>("mean", mean, p.C), output<float>("rstd", rstd, p.C),
                               optional_output<float>("running_mean", running_mean, p.C),
                               optional_output<float>("running_var", running_var, p.C));
  }

  void forward_inference(Context&, const BatchNormProblem& p, ConstTensorView x, ConstTensorView gamma,
                         ConstTensorView beta, ConstTensorView running_mean, ConstTensorView running_var,
                         TensorView y) const override {
    const int64_t n = p.rows * p.C;
    batchnorm_forward_inference(p, input<float>("x", x, n), input<float>("gamma", gamma, p.C),
                                input<float>("beta", beta, p.C),
                                input<float>("running_mean", running_mean, p.C),
                                input<float>("running_var", running_var, p.C), output<float>("y", y, n));
  }

  void backward(Context&, const BatchNormProblem& p, ConstTensorView x, ConstTensorView dy,
                ConstTensorView gamma, ConstTensorView mean, ConstTensorView rstd, TensorView dx,
                GradMode mode, TensorView dgamma, TensorView dbeta, GradMode parameter_mode) const override {
    const int64_t n = p.rows * p.C;
    batchnorm_backward(
        p, input<float>("x", x, n), input<float>("dy", dy, n), input<float>("gamma", gamma, p.C),
        input<float>("mean", mean, p.C), input<float>("rstd", rstd, p.C), optional_output<float>("dx", dx, n),
        mode, output<float>("dgamma", dgamma, p.C), output<float>("dbeta", dbeta, p.C), parameter_mode);
  }
};

}  // namespace

template <class T>
void batchnorm_forward_training(const BatchNormProblem& p, const T* x, const T* gamma, const T* beta, T* y,
                                T* mean, T* rstd, T* running_mean, T* running_var) {
  parallel_for(
      p.C,
      [&](int64_t c) {
        double sum = 0, squares = 0;
        for (int64_t r = 0; r < p.rows; r++) sum += double(x[r * p.C + c]);
        const double m = sum / double(p.rows);
        for (int64_t r = 0; r < p.rows; r++) squares += std::pow(double(x[r * p.C + c]) - m, 2);
        const double var = squares / double(p.rows), s = 1 / std::sqrt(var + double(p.epsilon));
        for (int64_t r = 0; r < p.rows; r++)
          y[r * p.C + c] = T(
              activate(p.activation, double(gamma[c]) * (double(x[r * p.C + c]) - m) * s + double(beta[c])));
        mean[c] = T(m), rstd[c] = T(s);
        if (!running_mean) return;
        const double share = p.momentum;
        running_mean[c] = T((1 - share) * double(running_mean[c]) + share * m);
        if (p.rows > 1) running_var[c] = T((1 - share) * double(running_var[c]) + share * var * p.unbiased());
      },
      grain_of(4 * p.rows));
}

template <class T>
void batchnorm_forward_inference(const BatchNormProblem& p, const T* x, const T* gamma, const T* beta,
                                 const T* running_mean, const T* running_var, T* y) {
  parallel_for(
      p.rows,
      [&](int64_t r) {
        for (int64_t c = 0; c < p.C; c++)
          y[r * p.C + c] =
              T(activate(p.activation, double(gamma[c]) * (double(x[r * p.C + c]) - double(running_mean[c])) /
                                               std::sqrt(double(running_var[c]) + double(p.epsilon)) +
                                           double(beta[c])));
      },
      grain_of(8 * p.C));
}

template <class T>
void batchnorm_backward(const BatchNormProblem& p, const T* x, const T* dy, const T* gamma, const T* mean,
                        const T* rstd, T* dx, GradMode mode, T* dgamma, T* dbeta, GradMode parameter_mode) {
  parallel_for(
      p.C,
      [&](int64_t c) {
        const auto xhat = [&](int64_t i) { return (double(x[i]) - double(mean[c])) * double(rstd[c]); };
        double db = 0, dg = 0;
        for (int64_t i = c; i < p.rows * p.C; i += p.C) {
          db += double(dy[i]);
          dg += double(dy[i]) * xhat(i);
        }
        put(dbeta[c], db, parameter_mode);
        put(dgamma[c], dg, parameter_mode);
        if (!dx) return;
        const double n = double(p.rows), scale = double(gamma[c]) * double(rstd[c]);
        for (int64_t i = c; i < p.rows * p.C; i += p.C)
          put(dx[i], scale * (double(dy[i]) - db / n - xhat(i) * dg / n), mode);
      },
      grain_of(4 * p.rows));
}

#define GABOR_INSTANTIATE(T)                                                                                 \
  template void batchnorm_forward_training<T>(const BatchNormProblem&, const T*, const T*, const T*, T*, T*, \
                                              T*, T*, T*);                                                   \
  template void batchnorm_forward_inference<T>(const BatchNormProblem&, const T*, const T*, const T*,        \
                                               const T*, const T*, T*);                                      \
  template void batchnorm_backward<T>(const BatchNormProblem&, const T*, const T*, const T*, const T*,       \
                                      const T*, T*, GradMode, T*, T*, GradMode);
GABOR_INSTANTIATE(float)
GABOR_INSTANTIATE(double)
#undef GABOR_INSTANTIATE

std::unique_ptr<const BatchNorm> make_batchnorm() { return std::make_unique<ReferenceBatchNorm>(); }

}  // namespace gabor::reference
