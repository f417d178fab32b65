// Convolution and dense layer: the two ops with weights, whose contracts have the same three passes.
#pragma once
#include "duel/case.h"
#include "ops/budget.h"

namespace gabor {

// Products behind an element.
struct WeightedTerms {
  double y, dx, dw;
};

template <class Op, class Problem>
class WeightedCase : public Case {
 public:
  // member: where an OpSet has the op.
  WeightedCase(const Problem& p, Pass pass, const Op* OpSet::*member, const WeightedTerms& terms)
      : p_(p), pass_(pass), member_(member), terms_(terms) {
    flops = double(p.flops());
    bytes = float_bytes({p.x_shape(), p.w_shape(), p.y_shape()});
  }

  CallTensors draw(const Backend&, uint64_t seed) const override { return random_call(p_, pass_, seed); }
  void expect(const Backend& oracle) override {
    if (pass_ == Pass::dgrad) return expect_sums(*this, oracle, {"dx"}, {terms_.dx});
    if (pass_ == Pass::wgrad) return expect_sums(*this, oracle, {"dw", "db"}, {terms_.dw, terms_.dw});
    const Activation activation = p_.activation;
    p_.activation = {};
    expect_sums(*this, oracle, {"y"}, {terms_.y + 1});
    p_.activation = activation;
    if (activation.kind != ActivationKind::none) activate_expected(activation);
  }

  bool has_op(const OpSet& ops) const override { return ops.*member_ != nullptr; }
  Support supports(const OpSet& ops) const override { return (ops.*member_)->supports(p_, pass_); }
  size_t workspace_bytes(const OpSet& ops) const override {
    return (ops.*member_)->workspace_bytes(p_, pass_);
  }
  void run(const OpSet& ops, Context& context, std::span<const ConstTensorView> in,
           std::span<const TensorView> out) const override {
    const Op& op = *(ops.*member_);
    if (pass_ == Pass::fprop) op.fprop(context, p_, in[0], in[1], in[2], out[0]);
    if (pass_ == Pass::dgrad) op.dgrad(context, p_, in[0], in[1], out[0], mode);
    if (pass_ == Pass::wgrad) op.wgrad(context, p_, in[0], in[1], out[0], out[1], mode);
  }

 protected:
  // y was expected before the activation, and an error there is passed on by its slope at most.
  void activate_expected(const Activation& a) {
    Expected& e = outputs[0];
    for (size_t i = 0; i < e.want.floats().size(); i++) {
      const double x = e.want.floats()[i], y = activate(a, x);
      // Where it is a pass of its own, y is stored before it too.
      const double between = none_or_relu(a) ? 0 : lipschitz(a) * storage_error(this->storage, x);
      e.added.push_back(activation_error(a, x) + kU * std::fabs(y) + between);
      e.want.floats()[i] = float(y);
      e.bound.floats()[i] *= float(lipschitz(a));
    }
  }

  Problem p_;
  Pass pass_;
  const Op* OpSet::*member_;
  WeightedTerms terms_;
};

}  // namespace gabor
