#include "duel/case.h"
#include "ops/batchnorm.h"
#include "ops/batchnorm_budget.h"
#include "ops/budget.h"

namespace gabor {
namespace {

// Forward is the one of training. Inputs: x, gamma, beta / x, dy, gamma, mean, rstd. Outputs: y, mean, rstd / dx, dgamma,
// dbeta. The running statistics are the candidate's own: each run moves them, so they are not judged here.
class BatchNormCase final : public Case {
 public:
  BatchNormCase(const BatchNormProblem& p, Pass pass, const Backend& oracle, uint64_t seed)
      : p_(p), pass_(Pass::fprop) {
    flops = flops_of(p);
    bytes = float_bytes({p.x_shape(), p.x_shape(), p.c_shape(), p.c_shape(), p.c_shape(), p.c_shape()});
    inputs.push_back(channels_off_zero(seed));
    inputs.push_back(random_tensor(p.c_shape(), seed, 2));
    inputs.push_back(random_tensor(p.c_shape(), seed, 3));
    const std::vector<HostTensor> like = {HostTensor(p.x_shape()), HostTensor(p.c_shape()),
                                          HostTensor(p.c_shape())};
    std::vector<HostTensor> forward = oracle_outputs(*this, oracle, inputs, like);
    if (pass == Pass::fprop) {
      expect_forward(std::move(forward));
      return;
    }
    pass_ = pass;
    bytes += float_bytes({p.x_shape()});
    inputs[2] = std::move(inputs[1]);
    inputs[1] = random_tensor(p.x_shape(), seed, 4);
    inputs.push_back(std::move(forward[1])), inputs.push_back(std::move(forward[2]));
    expect_backward(oracle_outputs(*this, oracle, inputs, like));
  }

  bool has_op(const OpSet& ops) const override { return ops.batchnorm != nullptr; }
  Support supports(const OpSet& ops) const override { return ops.batchnorm->supports(p_); }
  size_t workspace_bytes(const OpSet& ops) const override { return ops.batchnorm->workspace_bytes(p_); }
  size_t own_bytes(const OpSet&) const override { return pass_ == Pass::fprop ? 2 * running_bytes() : 0; }
  void prepare(const OpSet&, Context& context, std::span<const ConstTensorView>,
               TensorView own) const override {
    context.device.zero(own.data, own.bytes());
  }
  void run(const OpSet& ops, Context& context, std::span<const ConstTensorView> in,
           std::span<const TensorView> out) const override {
    const BatchNorm& op = *ops.batchnorm;
    if (pass_ != Pass::fprop)
      return op.backward(context, p_, in[0], in[1], in[2], in[3], in[4], out[0], GradMode::overwrite, out[1],
                         out[2], GradMode::overwrite);
    auto* running = out[3].as<uint8_t>();
    op.forward_training(context, p_, in[0], in[1], in[2], out[0], out[1], out[2],
                        {running, p_.c_shape(), DType::f32},
                        {running + running_bytes(), p_.c_shape(), DType::f32});
  }

 private:
  size_t running_bytes() const { return aligned(size_t(p_.C) * sizeof(float)); }  // of one of the two

  // Means of some deviations: else zeros would pass for them where rows are many.
  HostTensor channels_off_zero(uint64_t seed) const {
    HostTensor x = random_tensor(p_.x_shape(), seed, 0), offset = random_tensor(p_.c_shape(), seed, 1);
    for (float& v : offset.floats()) v = v < 0 ? v - 1 : v + 1;
    for (size_t i = 0; i < x.floats().size(); i++) x.floats()[i] += offset.floats()[i % size_t(p_.C)];
    return x;
  }

  void expect(const char* name, HostTensor want, std::span<const double> budget) {
    HostTensor bound = rounded(want.shape(), budget);
    // The oracle's own rounding comes to it.
    for (size_t i = 0; i < budget.size(); i++) bound.floats()[i] += float(kU * std::fabs(want.floats()[i]));
    outputs.push_back({name, std::move(want), 0, std::move(bound)});
  }

  void expect_forward(std::vector<HostTensor> want) {
    const std::vector<double> none(size_t(p_.C));
    const BatchNormForwardBudget budget(p_, widened(inputs[0]), widened(inputs[1]), widened(inputs[2]), none,
                                        none);
    expect("y", std::move(want[0]), budget.y);
    expect("mean", std::move(want[1]), budget.mean);
    expect("rstd", std::move(want[2]), budget.rstd);
  }

  void expect_backward(std::vector<HostTensor> want) {
    const BatchNormBackwardBudget budget(p_, widened(inputs[0]), widened(inputs[1]), widened(inputs[2]),
                                         widened(inputs[3]), widened(inputs[4]));
    const double terms = double(p_.rows) + 1;  // and the oracle's rounding
    expect("dx", std::move(want[0]), budget.dx);
    outputs.push_back({"dgamma", std::move(want[1]), terms + budget.kGammaRoundings,
                       rounded(p_.c_shape(), budget.dgamma_magnitude)});
    outputs.push_back({"dbeta", std::move(want[2]), terms + budget.kBetaRoundings,
                       rounded(p_.c_shape(), budget.dbeta_magnitude)});
  }

  BatchNormProblem p_;
  Pass pass_;
};

}  // namespace

std::unique_ptr<Case> batchnorm_case(const BatchNormProblem& p, Pass pass, const Backend& oracle,
                                     uint64_t seed) {
  return std::make_unique<BatchNormCase>(p, pass, oracle, seed);
}

}  // namespace gabor
