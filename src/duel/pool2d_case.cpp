#include <cfloat>
#include <cmath>

#include "duel/case.h"
#include "ops/budget.h"
#include "ops/pool2d.h"

namespace gabor {
namespace {

// Inputs: x / x, y, argmax, dy. Outputs: y and, of max pooling, argmax / dx.
class Pool2dCase final : public Case {
 public:
  Pool2dCase(const Pool2dProblem& p, Pass pass, const Backend& oracle, uint64_t seed) : p_(p), pass_(pass) {
    const bool max = p.kind == PoolKind::max;
    const double winners = max ? double(p.y_shape().count()) * double(size_of(p.argmax_dtype())) : 0;
    flops = flops_of(p);
    bytes = float_bytes({p.x_shape(), p.y_shape()}) + winners;
    if (pass == Pass::dgrad && p.kind == PoolKind::l2) bytes += float_bytes({p.x_shape(), p.y_shape()});
    inputs.push_back(random_tensor(p.x_shape(), seed, 0));
    const std::vector<HostTensor> like = {HostTensor(p.y_shape()), HostTensor(p.y_shape(), p.argmax_dtype())};
    pass_ = Pass::fprop;
    std::vector<HostTensor> y = oracle_outputs(*this, oracle, inputs, like);
    pass_ = pass;
    if (pass == Pass::fprop) {
      expect_forward(oracle, std::move(y));
      return;
    }
    inputs.push_back(std::move(y[0])), inputs.push_back(std::move(y[1]));
    inputs.push_back(random_tensor(p.y_shape(), seed, 1));
    // Each of at most R*S terms has a product and a quotient before it is added.
    expect_sums(*this, oracle, {HostTensor(p.x_shape())}, {"dx"}, {double(p.R * p.S) + 3});
  }

  bool has_op(const OpSet& ops) const override { return ops.pool2d != nullptr; }
  Support supports(const OpSet& ops) const override { return ops.pool2d->supports(p_); }
  size_t workspace_bytes(const OpSet& ops) const override { return ops.pool2d->workspace_bytes(p_); }
  void run(const OpSet& ops, Context& context, std::span<const ConstTensorView> in,
           std::span<const TensorView> out) const override {
    const bool max = p_.kind == PoolKind::max;
    if (pass_ == Pass::fprop)
      ops.pool2d->forward(context, p_, in[0], out[0], max ? out[1] : TensorView{});
    else
      ops.pool2d->backward(context, p_, in[0], in[1], max ? in[2] : ConstTensorView{}, in[3], out[0],
                           GradMode::overwrite);
  }

 private:
  void expect_forward(const Backend& oracle, std::vector<HostTensor> y) {
    if (p_.kind == PoolKind::average)
      return expect_sums(*this, oracle, {HostTensor(p_.y_shape())}, {"y"}, {double(p_.R * p_.S) + 1});
    HostTensor budget(p_.y_shape());  // 0: the largest element is copied
    if (p_.kind == PoolKind::l2) {
      // Half of the relative error of the sum goes through the root; squares may underflow to 0; the oracle's rounding.
      const double n = double(p_.R * p_.S), lost = std::sqrt(n * FLT_MIN);
      for (size_t i = 0; i < budget.floats().size(); i++)
        budget.floats()[i] = float(y[0].floats()[i] * (gamma(n + 2) + 4 * kU) + lost);
    }
    const bool max = p_.kind == PoolKind::max;
    outputs.push_back({"y", std::move(y[0]), 0, std::move(budget)});
    if (max) outputs.push_back({"argmax", std::move(y[1]), 0, HostTensor(p_.y_shape())});
  }

  Pool2dProblem p_;
  Pass pass_;
};

}  // namespace

std::unique_ptr<Case> pool2d_case(const Pool2dProblem& p, Pass pass, const Backend& oracle, uint64_t seed) {
  return std::make_unique<Pool2dCase>(p, pass, oracle, seed);
}

}  // namespace gabor
