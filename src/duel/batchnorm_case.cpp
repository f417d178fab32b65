#include <cmath>

#include "duel/case.h"
#include "ops/batchnorm.h"
#include "ops/batchnorm_budget.h"
#include "ops/budget.h"

namespace gabor {
namespace {

class BatchNormCase final : public Case {
 public:
  BatchNormCase(const BatchNormProblem& p, Pass pass) : p_(p), pass_(pass) {
    flops = 8.0 * double(p.rows * p.C);
    bytes = float_bytes({p.x_shape(), p.x_shape()});
    if (pass == Pass::dgrad) bytes += float_bytes({p.x_shape()});
  }

  CallTensors draw(const Backend& oracle, uint64_t seed) const override {
    CallTensors call = random_call(p_, Pass::fprop, seed);
    call.inputs[0] = channels_off_zero(seed);
    call.mode = GradMode::accumulate;  // the running statistics are moved
    if (pass_ == Pass::fprop) return call;
    const BatchNormCase forward(p_, Pass::fprop);
    std::vector<HostTensor> out = outputs_of(forward, oracle, call.inputs, call.outputs);
    CallTensors backward = random_call(p_, pass_, seed);
    backward.inputs[0] = std::move(call.inputs[0]);
    backward.inputs[3] = std::move(out[1]), backward.inputs[4] = std::move(out[2]);
    return backward;
  }

  void expect(const Backend& oracle) override {
    std::vector<HostTensor> want = outputs_of(*this, oracle, inputs, before);
    pass_ == Pass::fprop ? expect_forward(std::move(want)) : expect_backward(std::move(want));
  }

  bool has_op(const OpSet& ops) const override { return ops.batchnorm != nullptr; }
  Support supports(const OpSet& ops) const override { return ops.batchnorm->supports(p_); }
  size_t workspace_bytes(const OpSet& ops) const override { return ops.batchnorm->workspace_bytes(p_); }
  void run(const OpSet& ops, Context& context, std::span<const ConstTensorView> in,
           std::span<const TensorView> out) const override {
    if (pass_ == Pass::fprop)
      ops.batchnorm->forward_training(context, p_, in[0], in[1], in[2], out[0], out[1], out[2], out[3],
                                      out[4]);
    else
      ops.batchnorm->backward(context, p_, in[0], in[1], in[2], in[3], in[4], out[0], mode, out[1], out[2],
                              GradMode::overwrite);
  }

 private:
  // Means of some deviations: else zeros would pass for them where rows are many.
  HostTensor channels_off_zero(uint64_t seed) const {
    HostTensor x = random_tensor(p_.x_shape(), seed, 0), offset = random_tensor(p_.c_shape(), seed, 9);
    for (float& v : offset.floats()) v = v < 0 ? v - 1 : v + 1;
    for (size_t i = 0; i < x.floats().size(); i++) x.floats()[i] += offset.floats()[i % size_t(p_.C)];
    return x;
  }

  void expect_within(const char* name, HostTensor want, std::span<const double> budget) {
    HostTensor bound = want ? HostTensor(want.shape()) : HostTensor();
    // Where an error is allowed at all, the oracle's own rounding comes to it.
    for (size_t i = 0; i < bound.floats().size(); i++)
      bound.floats()[i] = budget[i] > 0 ? float(budget[i] + kU * std::fabs(want.floats()[i])) : 0;
    outputs.push_back({name, std::move(want), 0, std::move(bound)});
  }

  void expect_forward(std::vector<HostTensor> want) {
    const BatchNormForwardBudget budget(p_, widened(inputs[0]), widened(inputs[1]), widened(inputs[2]),
                                        widened(before[3]), widened(before[4]));
    expect_within("y", std::move(want[0]), budget.y);
    expect_within("mean", std::move(want[1]), budget.mean);
    expect_within("rstd", std::move(want[2]), budget.rstd);
    expect_within("running_mean", std::move(want[3]), budget.running_mean);
    expect_within("running_var", std::move(want[4]), budget.running_var);
  }

  void expect_backward(std::vector<HostTensor> want) {
    const BatchNormBackwardBudget budget(p_, widened(inputs[0]), widened(inputs[1]), widened(inputs[2]),
                                         widened(inputs[3]), widened(inputs[4]),
                                         widened(absolute(before[0])));
    const double terms = double(p_.rows) + 1;  // and the oracle's rounding
    expect_within("dx", std::move(want[0]), budget.dx);
    outputs.push_back({"dgamma", std::move(want[1]), terms + budget.kGammaRoundings,
                       rounded(p_.c_shape(), budget.dgamma_magnitude)});
    outputs.push_back({"dbeta", std::move(want[2]), terms + budget.kBetaRoundings,
                       rounded(p_.c_shape(), budget.dbeta_magnitude)});
  }

  BatchNormProblem p_;
  Pass pass_;
};

}  // namespace

std::unique_ptr<Case> batchnorm_case(const BatchNormProblem& p, Pass pass) {
  return std::make_unique<BatchNormCase>(p, pass);
}

}  // namespace gabor
