// Convolution and dense layer: the two ops with weights, whose contracts have the same three passes.
#pragma once
#include "duel/case.h"

namespace gabor {

template <class Op, class Problem>
class WeightedCase : public Case {
 public:
  // member: where an OpSet has the op. Inputs are x, w, b / dy, w / x, dy; outputs y / dx / dw, db.
  // terms_dx: products behind an element of dx.
  WeightedCase(const Problem& p, Pass pass, const Op* OpSet::*member, const Backend& oracle, uint64_t seed,
               double terms_y, double terms_dx, double terms_dw)
      : p_(p), pass_(pass), member_(member) {
    flops = double(p.flops());
    bytes = float_bytes({p.x_shape(), p.w_shape(), p.y_shape()});
    const auto input = [&](const Shape& s) {
      inputs.push_back(random_tensor(s, seed, uint32_t(inputs.size())));
    };
    if (pass == Pass::fprop) {
      input(p.x_shape()), input(p.w_shape()), input(p.b_shape());
      expect_sums(*this, oracle, {HostTensor(p.y_shape())}, {"y"}, {terms_y + 1});
    } else if (pass == Pass::dgrad) {
      input(p.y_shape()), input(p.w_shape());
      expect_sums(*this, oracle, {HostTensor(p.x_shape())}, {"dx"}, {terms_dx});
    } else {
      input(p.x_shape()), input(p.y_shape());
      expect_sums(*this, oracle, {HostTensor(p.w_shape()), HostTensor(p.b_shape())}, {"dw", "db"},
                  {terms_dw, terms_dw});
    }
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
    if (pass_ == Pass::dgrad) op.dgrad(context, p_, in[0], in[1], out[0], GradMode::overwrite);
    if (pass_ == Pass::wgrad) op.wgrad(context, p_, in[0], in[1], out[0], out[1], GradMode::overwrite);
  }

 protected:
  Problem p_;
  Pass pass_;
  const Op* OpSet::*member_;
};

}  // namespace gabor
