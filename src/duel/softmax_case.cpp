#include <cmath>

#include "duel/case.h"
#include "ops/budget.h"
#include "ops/softmax.h"
#include "ops/softmax_budget.h"

namespace gabor {
namespace {

// Logits have this scale: a trained net's, whose largest probability is near 1.
constexpr float kLogitScale = 5;

// Inputs: x / y, dy. Outputs: y / dx.
class SoftmaxCase final : public Case {
 public:
  SoftmaxCase(const SoftmaxProblem& p, Pass pass, const Backend& oracle, uint64_t seed)
      : p_(p), pass_(Pass::fprop) {
    const Shape shape{p.N, p.K};
    flops = 4.0 * double(shape.count());
    bytes = float_bytes({shape, shape});
    inputs.push_back(random_tensor(shape, seed, 0));
    for (float& v : inputs[0].floats()) v *= kLogitScale;
    std::vector<HostTensor> y = oracle_outputs(*this, oracle, inputs, std::vector{HostTensor(shape)});
    if (pass == Pass::fprop) {
      HostTensor budget = forward_budget(inputs[0], y[0]);
      outputs.push_back({"y", std::move(y[0]), 0, std::move(budget)});
      return;
    }
    pass_ = pass;
    bytes += float_bytes({shape});
    inputs[0] = std::move(y[0]);
    inputs.push_back(random_tensor(shape, seed, 1));
    std::vector<HostTensor> dx = oracle_outputs(*this, oracle, inputs, std::vector{HostTensor(shape)});
    outputs.push_back({"dx", std::move(dx[0]), 0, backward_budget(inputs[0].floats(), inputs[1].floats())});
  }

  bool has_op(const OpSet& ops) const override { return ops.softmax != nullptr; }
  Support supports(const OpSet& ops) const override { return ops.softmax->supports(p_); }
  size_t workspace_bytes(const OpSet&) const override { return 0; }
  void run(const OpSet& ops, Context& context, std::span<const ConstTensorView> in,
           std::span<const TensorView> out) const override {
    if (pass_ == Pass::fprop)
      ops.softmax->forward(context, p_, in[0], out[0]);
    else
      ops.softmax->backward(context, p_, in[0], in[1], out[0], GradMode::overwrite);
  }

 private:
  HostTensor forward_budget(const HostTensor& x, const HostTensor& y) const {
    std::vector<double> budget = softmax_budget(p_, widened(x), widened(y));
    for (size_t i = 0; i < budget.size(); i++)  // the oracle's own rounding
      budget[i] += kU * y.view().as<float>()[i];
    return rounded(y.shape(), budget);
  }
  HostTensor backward_budget(std::span<const float> y, std::span<const float> dy) const {
    HostTensor budget(Shape{p_.N, p_.K});
    for (int64_t n = 0; n < p_.N; n++) {
      double dot = 0;
      for (int64_t i = n * p_.K; i < (n + 1) * p_.K; i++) dot += std::fabs(dy[size_t(i)]) * y[size_t(i)];
      for (int64_t i = n * p_.K; i < (n + 1) * p_.K; i++)
        budget.floats()[size_t(i)] =
            float(sum_budget(double(p_.K) + 4, y[size_t(i)] * (std::fabs(dy[size_t(i)]) + dot)));
    }
    return budget;
  }

  SoftmaxProblem p_;
  Pass pass_;
};

}  // namespace

std::unique_ptr<Case> softmax_case(const SoftmaxProblem& p, Pass pass, const Backend& oracle, uint64_t seed) {
  return std::make_unique<SoftmaxCase>(p, pass, oracle, seed);
}

}  // namespace gabor
