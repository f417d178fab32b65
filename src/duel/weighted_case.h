// Convolution and dense layer: the two ops with weights, whose contracts have the same three passes.
#pragma once
#include "duel/case.h"
#include "ops/weighted_pass.h"

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
    const PassShapes shapes = pass_shapes(p, pass);
    for (const Shape& s : shapes.in) inputs.push_back(random_tensor(s, seed, uint32_t(inputs.size())));
    std::vector<HostTensor> like;
    for (const Shape& s : shapes.out) like.emplace_back(s);
    if (pass == Pass::fprop) expect_sums(*this, oracle, std::move(like), {"y"}, {terms_y + 1});
    if (pass == Pass::dgrad) expect_sums(*this, oracle, std::move(like), {"dx"}, {terms_dx});
    if (pass == Pass::wgrad) expect_sums(*this, oracle, std::move(like), {"dw", "db"}, {terms_dw, terms_dw});
  }

  bool has_op(const OpSet& ops) const override { return ops.*member_ != nullptr; }
  Support supports(const OpSet& ops) const override { return (ops.*member_)->supports(p_, pass_); }
  size_t workspace_bytes(const OpSet& ops) const override {
    return (ops.*member_)->workspace_bytes(p_, pass_);
  }
  void run(const OpSet& ops, Context& context, std::span<const ConstTensorView> in,
           std::span<const TensorView> out) const override {
    run_pass(*(ops.*member_), context, p_, pass_, in, out);
  }

 protected:
  Problem p_;
  Pass pass_;
  const Op* OpSet::*member_;
};

}  // namespace gabor
