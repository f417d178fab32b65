#include <cmath>

#include "duel/case.h"
#include "ops/budget.h"
#include "ops/loss.h"
#include "ops/softmax_budget.h"

namespace gabor {
namespace {

constexpr float kLogitScale = 5;  // as of softmax_case.cpp
constexpr int64_t kOneLeftOut = 16;

// Loss and gradient in one. Inputs: y, labels. Outputs: dy, loss, counts.
class LossCase final : public Case {
 public:
  LossCase(const LossProblem& p, const Backend& oracle, uint64_t seed) : p_(p), scale_(1 / float(p.N)) {
    const Shape shape{p.N, p.K};
    flops = flops_of(p);
    bytes = float_bytes({shape, shape, {p.N}});
    inputs.push_back(random_tensor(shape, seed, 0));
    for (float& v : inputs[0].floats()) v *= kLogitScale;
    inputs.push_back(labels(seed));
    std::vector<HostTensor> want = oracle_outputs(
        *this, oracle, inputs, std::vector{HostTensor(shape), HostTensor({1}), HostTensor({2}, DType::i32)});
    LossBudget budget =
        loss_budget(p, widened(inputs[0]), {inputs[1].view().as<int32_t>(), size_t(p.N)}, scale_);
    for (size_t i = 0; i < budget.dy.size(); i++)  // the oracle's own rounding
      budget.dy[i] += kU * std::fabs(want[0].floats()[i]);
    budget.loss += kU * std::fabs(want[1].floats()[0]);
    outputs.push_back({"dy", std::move(want[0]), 0, rounded(shape, budget.dy)});
    outputs.push_back({"loss", std::move(want[1]), 0, rounded({1}, {&budget.loss, 1})});
    outputs.push_back({"counts", std::move(want[2]), 0, HostTensor({2})});
  }

  bool has_op(const OpSet& ops) const override { return ops.loss != nullptr; }
  Support supports(const OpSet& ops) const override { return ops.loss->supports(p_); }
  size_t workspace_bytes(const OpSet& ops) const override { return ops.loss->workspace_bytes(p_); }
  void run(const OpSet& ops, Context& context, std::span<const ConstTensorView> in,
           std::span<const TensorView> out) const override {
    ops.loss->run(context, p_, in[0], in[1], scale_, out[0], out[1], out[2]);
  }

 private:
  // Some rows do not count, as those of damaged pictures.
  HostTensor labels(uint64_t seed) const {
    const HostTensor at = random_tensor({p_.N}, seed, 1);
    HostTensor out({p_.N}, DType::i32);
    for (int64_t n = 0; n < p_.N; n++) {
      const double unit = (1 + at.view().as<float>()[n]) / 2;  // [0,1)
      const auto label = int32_t(unit * double(p_.K));
      out.view().as<int32_t>()[n] = n % kOneLeftOut == kOneLeftOut - 1 ? -1 : label;
    }
    return out;
  }

  LossProblem p_;
  float scale_;
};

}  // namespace

std::unique_ptr<Case> loss_case(const LossProblem& p, const Backend& oracle, uint64_t seed) {
  return std::make_unique<LossCase>(p, oracle, seed);
}

}  // namespace gabor
