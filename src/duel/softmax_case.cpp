#include <cfloat>
#include <cmath>

#include "duel/case.h"
#include "duel/softmax_row.h"
#include "ops/softmax.h"

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
    HostTensor budget = pass_ == Pass::fprop ? forward_budget(out[0].floats()) : backward_budget();
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
  HostTensor forward_budget(std::span<const float> y) {
    HostTensor budget(Shape{p_.N, p_.K});
    for (int64_t n = 0; n < p_.N; n++) {
      const auto x = inputs[0].floats().subspan(size_t(n * p_.K), size_t(p_.K));
      const SoftmaxRow row(x);
      for (size_t k = 0; k < x.size(); k++) {
        const size_t i = size_t(n * p_.K) + k;
        budget.floats()[i] = float(y[i] * (row.own_error(x[k]) + row.sum_error) + FLT_MIN);
      }
    }
    return budget;
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
