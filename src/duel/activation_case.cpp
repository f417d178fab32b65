#include <cmath>

#include "duel/case.h"
#include "ops/activation.h"
#include "ops/budget.h"

namespace gabor {
namespace {

// Arguments go over the range where the functions bend.
constexpr float kReach = 8;

class ActivationCase final : public Case {
 public:
  ActivationCase(const ActivationProblem& p, Pass pass) : p_(p), pass_(pass) {
    flops = double(p.count);
    bytes = float_bytes({{p.count}, {p.count}});
    if (pass == Pass::dgrad) bytes += float_bytes({{p.count}});
  }

  CallTensors draw(const Backend&, uint64_t seed) const override {
    CallTensors call = random_call(p_, pass_, seed);
    for (size_t i = 0; i < (pass_ == Pass::fprop ? 1u : 2u); i++)  // x; x and y
      for (float& v : call.inputs[i].floats()) v *= kReach;
    if (pass_ == Pass::fprop) return call;
    // y as a forward leaves it; what the kind does not read is left out.
    const bool from_y = derivative_from_output(p_.activation.kind);
    for (float& v : call.inputs[1].floats()) v = float(activate(p_.activation, v));
    call.inputs[from_y ? 0 : 1] = {};
    return call;
  }

  void expect(const Backend& oracle) override {
    std::vector<HostTensor> out = outputs_of(*this, oracle, inputs, before);
    HostTensor budget(out[0].shape());
    for (size_t i = 0; i < budget.floats().size(); i++)
      budget.floats()[i] = float(pass_ == Pass::fprop ? forward_budget(i) : backward_budget(i, out[0]));
    outputs.push_back({pass_ == Pass::fprop ? "y" : "dx", std::move(out[0]), 0, std::move(budget)});
  }

  bool has_op(const OpSet& ops) const override { return ops.activation != nullptr; }
  Support supports(const OpSet& ops) const override { return ops.activation->supports(p_); }
  size_t workspace_bytes(const OpSet&) const override { return 0; }
  void run(const OpSet& ops, Context& context, std::span<const ConstTensorView> in,
           std::span<const TensorView> out) const override {
    if (pass_ == Pass::fprop)
      ops.activation->forward(context, p_, in[0], out[0]);
    else
      ops.activation->backward(context, p_, in[0], in[1], in[2], out[0], mode);
  }

 private:
  // The oracle's rounding is counted too.
  double forward_budget(size_t i) const {
    const double x = inputs[0].floats()[i], error = activation_error(p_.activation, x);
    return error > 0 ? error + kU * std::fabs(activate(p_.activation, x)) : 0;
  }
  double backward_budget(size_t i, const HostTensor& dx) const {
    const double x = inputs[0] ? inputs[0].floats()[i] : 0, y = inputs[1] ? inputs[1].floats()[i] : 0;
    const double start = mode == GradMode::accumulate ? before[0].floats()[i] : 0;
    const double own = std::fabs(dx.floats()[i] - start);
    return sum_budget(2, std::fabs(start) + own) +
           slope_error(p_.activation, x, y) * std::fabs(inputs[2].floats()[i]);
  }

  ActivationProblem p_;
  Pass pass_;
};

}  // namespace

std::unique_ptr<Case> activation_case(const ActivationProblem& p, Pass pass) {
  return std::make_unique<ActivationCase>(p, pass);
}

}  // namespace gabor
