#include <cfloat>
#include <cmath>

#include "duel/case.h"
#include "ops/budget.h"
#include "ops/pool2d.h"

namespace gabor {
namespace {

class Pool2dCase final : public Case {
 public:
  Pool2dCase(const Pool2dProblem& p, Pass pass) : p_(p), pass_(pass) {
    const double winners =
        p.kind == PoolKind::max ? double(p.y_shape().count()) * double(size_of(p.argmax_dtype())) : 0;
    flops = flops_of(p);
    bytes = float_bytes({p.x_shape(), p.y_shape()}) + winners;
    if (pass == Pass::dgrad && p.kind == PoolKind::l2) bytes += float_bytes({p.x_shape()});
    if (pass == Pass::dgrad && p.needs_y()) bytes += float_bytes({p.y_shape()});
  }

  // What backward reads besides dy is what the oracle's forward makes of x.
  CallTensors draw(const Backend& oracle, uint64_t seed) const override {
    CallTensors call = random_call(p_, pass_, seed);
    if (pass_ == Pass::fprop) return call;
    const Pool2dCase forward(p_, Pass::fprop);
    CallTensors before = random_call(p_, Pass::fprop, seed);
    std::vector<HostTensor> y = outputs_of(forward, oracle, before.inputs, before.outputs);
    call.inputs[1] = std::move(y[0]);
    call.inputs[2] = p_.kind == PoolKind::max ? std::move(y[1]) : HostTensor();
    return call;
  }

  void expect(const Backend& oracle) override {
    if (pass_ == Pass::fprop) return expect_forward(oracle);
    // Each of at most R*S terms has a product and a quotient before it is added.
    expect_sums(*this, oracle, {"dx"}, {double(p_.R * p_.S) + 3});
  }

  bool has_op(const OpSet& ops) const override { return ops.pool2d != nullptr; }
  Support supports(const OpSet& ops) const override { return ops.pool2d->supports(p_); }
  size_t workspace_bytes(const OpSet& ops) const override { return ops.pool2d->workspace_bytes(p_); }
  void run(const OpSet& ops, Context& context, std::span<const ConstTensorView> in,
           std::span<const TensorView> out) const override {
    if (pass_ == Pass::fprop)
      ops.pool2d->forward(context, p_, in[0], out[0], p_.kind == PoolKind::max ? out[1] : TensorView{});
    else
      ops.pool2d->backward(context, p_, in[0], in[1], in[2], in[3], out[0], mode);
  }

 private:
  void expect_forward(const Backend& oracle) {
    if (p_.kind == PoolKind::average) return expect_sums(*this, oracle, {"y"}, {double(p_.R * p_.S) + 1});
    std::vector<HostTensor> y = outputs_of(*this, oracle, inputs, before);
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

std::unique_ptr<Case> pool2d_case(const Pool2dProblem& p, Pass pass) {
  return std::make_unique<Pool2dCase>(p, pass);
}

}  // namespace gabor
