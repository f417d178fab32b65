#include "ops/activation.h"

#include <cmath>

#include "backends/reference/formulas.h"
#include "backends/reference/op_list.h"

namespace gabor::reference {
namespace {

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }
double normal_pdf(double x) { return std::exp(-0.5 * x * x) / std::sqrt(2 * 3.14159265358979323846); }

class ReferenceActivation final : public ActivationOp {
 public:
  Support supports(const ActivationProblem&) const override { return Support::yes(); }

  void forward(Context&, const ActivationProblem& p, ConstTensorView x, TensorView y) const override {
    const float* in = input<float>("x", x, p.count);
    float* out = output<float>("y", y, p.count);
    for (int64_t i = 0; i < p.count; i++) out[i] = float(activate(p.activation, in[i]));
  }

  void backward(Context&, const ActivationProblem& p, ConstTensorView x, ConstTensorView y,
                ConstTensorView dy, TensorView dx, GradMode mode) const override {
    const bool from_y = derivative_from_output(p.activation.kind);
    const float* read = from_y ? input<float>("y", y, p.count) : input<float>("x", x, p.count);
    const float* in = input<float>("dy", dy, p.count);
    float* out = output<float>("dx", dx, p.count);
    for (int64_t i = 0; i < p.count; i++)
      put(out[i], in[i] * activation_slope(p.activation, read[i], read[i]), mode);
  }
};

}  // namespace

double activation_slope(const Activation& a, double x, double y) {
  switch (a.kind) {
    case ActivationKind::none:
      return 1;
    case ActivationKind::relu:
      return y <= 0 ? 0 : 1;
    case ActivationKind::leaky_relu:
      return y < 0 ? a.alpha : 1;
    case ActivationKind::elu:
      return y < 0 ? y + a.alpha : 1;
    case ActivationKind::sigmoid:
      return y * (1 - y);
    case ActivationKind::tanh:
      return (1 - y) * (1 + y);
    case ActivationKind::silu:
      return sigmoid(x) * (1 + x * (1 - sigmoid(x)));
    case ActivationKind::gelu:
      return normal_cdf(x) + x * normal_pdf(x);
  }
  return 1;
}

std::unique_ptr<const ActivationOp> make_activation() { return std::make_unique<ReferenceActivation>(); }

}  // namespace gabor::reference
