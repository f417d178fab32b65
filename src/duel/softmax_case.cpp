#include <cmath>

#include "duel/case.h"
#include "ops/budget.h"
#include "ops/softmax.h"
#include "ops/softmax_budget.h"

namespace gabor {
namespace {

// Logits have this scale: a trained net's, whose largest probability is near 1.
constexpr float kLogitScale = 5;

class SoftmaxCase final : public Case {
 public:
  SoftmaxCase(const SoftmaxProblem& p, Pass pass) : p_(p), pass_(pass) {
    const Shape shape{p.N, p.K};
    flops = 4.0 * double(shape.count());
    bytes = float_bytes({shape, shape});
    if (pass == Pass::dgrad) bytes += float_bytes({shape});
  }

  CallTensors draw(const Backend& oracle, uint64_t seed) const override {
    CallTensors call = random_call(p_, Pass::fprop, seed);
    for (float& v : call.inputs[0].floats()) v *= kLogitScale;
    if (pass_ == Pass::fprop) return call;
    std::vector<HostTensor> y = outputs_of(SoftmaxCase(p_, Pass::fprop), oracle, call.inputs, call.outputs);
    call = random_call(p_, pass_, seed);
    call.inputs[0] = std::move(y[0]);
    return call;
  }

  void expect(const Backend& oracle) override {
    std::vector<HostTensor> out = outputs_of(*this, oracle, inputs, before);
    HostTensor budget = pass_ == Pass::fprop ? forward_budget(out[0]) : backward_budget();
    outputs.push_back({pass_ == Pass::fprop ? "y" : "dx", std::move(out[0]), 0, std::move(budget)});
  }

  bool has_op(const OpSet& ops) const override { return ops.softmax != nullptr; }
  Support supports(const OpSet& ops) const override { return ops.softmax->supports(p_); }
  size_t workspace_bytes(const OpSet&) const override { return 0; }
  void run(const OpSet& ops, Context& context, std::span<const ConstTensorView> in,
           std::span<const TensorView> out) const override {
    if (pass_ == Pass::fprop)
      ops.softmax->forward(context, p_, in[0], out[0]);
    else
      ops.softmax->backward(context, p_, in[0], in[1], out[0], mode);
  }

 private:
  HostTensor forward_budget(const HostTensor& y) {
    std::vector<double> budget = softmax_budget(p_, widened(inputs[0]), widened(y));
    for (size_t i = 0; i < budget.size(); i++)
      budget[i] += kU * std::fabs(y.floats()[i]);  // the oracle's rounding
    return rounded(y.shape(), budget);
  }
  HostTensor backward_budget() {
    const auto y = inputs[0].floats(), dy = inputs[1].floats(), start = before[0].floats();
    HostTensor budget(Shape{p_.N, p_.K});
    for (int64_t n = 0; n < p_.N; n++) {
      double dot = 0;
      for (int64_t i = n * p_.K; i < (n + 1) * p_.K; i++) dot += std::fabs(dy[size_t(i)]) * y[size_t(i)];
      for (int64_t i = n * p_.K; i < (n + 1) * p_.K; i++)
        budget.floats()[size_t(i)] = float(sum_budget(
            double(p_.K) + 4, std::fabs(start[size_t(i)]) + y[size_t(i)] * (std::fabs(dy[size_t(i)]) + dot)));
    }
    return budget;
  }

  SoftmaxProblem p_;
  Pass pass_;
};

}  // namespace

std::unique_ptr<Case> softmax_case(const SoftmaxProblem& p, Pass pass) {
  return std::make_unique<SoftmaxCase>(p, pass);
}

}  // namespace gabor
