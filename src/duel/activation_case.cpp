#include "duel/case.h"
#include "ops/activation.h"
#include "ops/budget.h"

namespace gabor {
namespace {

// Arguments go over the range where the functions bend.
constexpr float kReach = 8;

// Inputs: x / x or y, whichever the derivative is taken from, dy. Outputs: y / dx.
class ActivationCase final : public Case {
 public:
  ActivationCase(const ActivationProblem& p, Pass pass, const Backend& oracle, uint64_t seed)
      : p_(p), pass_(Pass::fprop) {
    const Shape shape{p.count};
    flops = double(p.count);
    bytes = float_bytes({shape, shape});
    inputs.push_back(random_tensor(shape, seed, 0));
    for (float& v : inputs[0].floats()) v *= kReach;
    std::vector<HostTensor> y = oracle_outputs(*this, oracle, inputs, std::vector{HostTensor(shape)});
    if (pass == Pass::fprop) {
      HostTensor budget = forward_budget();
      outputs.push_back({"y", std::move(y[0]), 0, std::move(budget)});
      return;
    }
    pass_ = pass;
    bytes += float_bytes({shape});
    const HostTensor x = inputs[0];
    if (from_output()) inputs[0] = y[0];
    inputs.push_back(random_tensor(shape, seed, 1));
    std::vector<HostTensor> dx = oracle_outputs(*this, oracle, inputs, std::vector{HostTensor(shape)});
    HostTensor budget = backward_budget(x, y[0], dx[0]);
    outputs.push_back({"dx", std::move(dx[0]), 0, std::move(budget)});
  }

  bool has_op(const OpSet& ops) const override { return ops.activation != nullptr; }
  Support supports(const OpSet& ops) const override { return ops.activation->supports(p_); }
  size_t workspace_bytes(const OpSet&) const override { return 0; }
  void run(const OpSet& ops, Context& context, std::span<const ConstTensorView> in,
           std::span<const TensorView> out) const override {
    if (pass_ == Pass::fprop)
      ops.activation->forward(context, p_, in[0], out[0]);
    else
      ops.activation->backward(context, p_, from_output() ? ConstTensorView{} : in[0],
                               from_output() ? in[0] : ConstTensorView{}, in[1], out[0], GradMode::overwrite);
  }

 private:
  bool from_output() const { return derivative_from_output(p_.activation.kind); }
  // Where an error is allowed at all, the oracle's own rounding comes to it.
  HostTensor forward_budget() {
    HostTensor budget(Shape{p_.count});
    for (size_t i = 0; i < budget.floats().size(); i++) {
      const double x = inputs[0].floats()[i], error = activation_error(p_.activation, x);
      budget.floats()[i] = error > 0 ? float(error + kU * std::fabs(activate(p_.activation, x))) : 0;
    }
    return budget;
  }
  HostTensor backward_budget(const HostTensor& x, const HostTensor& y, const HostTensor& dx) const {
    HostTensor budget(Shape{p_.count});
    const float *xs = x.view().as<float>(), *ys = y.view().as<float>(), *dxs = dx.view().as<float>(),
                *dys = inputs[1].view().as<float>();
    for (size_t i = 0; i < budget.floats().size(); i++)
      budget.floats()[i] = float(sum_budget(1, std::fabs(dxs[i])) +
                                 slope_error(p_.activation, xs[i], ys[i]) * std::fabs(dys[i]));
    return budget;
  }

  ActivationProblem p_;
  Pass pass_;
};

}  // namespace

std::unique_ptr<Case> activation_case(const ActivationProblem& p, Pass pass, const Backend& oracle,
                                      uint64_t seed) {
  return std::make_unique<ActivationCase>(p, pass, oracle, seed);
}

}  // namespace gabor
