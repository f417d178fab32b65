#include <cmath>

#include "duel/case.h"
#include "ops/budget.h"
#include "ops/loss.h"
#include "ops/softmax_budget.h"

namespace gabor {
namespace {

constexpr float kLogitScale = 5;  // as of softmax_case.cpp
constexpr int64_t kOneLeftOut = 16;

class LossCase final : public Case {
 public:
  explicit LossCase(const LossProblem& p) : p_(p) {
    flops = 6.0 * double(p.N * p.K);
    bytes = float_bytes({{p.N, p.K}, {p.N, p.K}, p.labels_shape()});
  }

  CallTensors draw(const Backend&, uint64_t seed) const override {
    CallTensors call = random_call(p_, Pass::fprop, seed);
    for (float& v : call.inputs[0].floats()) v *= kLogitScale;
    const int64_t each = p_.two_labels ? 3 : 1;
    const HostTensor at = random_tensor({p_.N * each}, seed, 9);
    int32_t* labels = call.inputs[1].view().as<int32_t>();
    for (int64_t i = 0; i < p_.N * each; i++) {
      const double unit = (1 + at.floats()[size_t(i)]) / 2;  // [0,1)
      labels[i] = int32_t(unit * double(i % each == 2 ? RowLabels::kWhole : p_.K));
    }
    // Some rows do not count, as those of damaged pictures.
    for (int64_t n = kOneLeftOut - 1; n < p_.N; n += kOneLeftOut) labels[n * each] = -1;
    call.inputs[2].floats()[0] = 1 / float(p_.N);
    return call;
  }

  void expect(const Backend& oracle) override {
    std::vector<HostTensor> want = outputs_of(*this, oracle, inputs, before);
    LossBudget budget = loss_budget(
        p_, widened(inputs[0]), {inputs[1].view().as<int32_t>(), size_t(p_.labels_shape().count())}, scale());
    // The oracle's own roundings come to it.
    for (size_t i = 0; i < want[0].floats().size(); i++) budget.dy[i] += kU * std::fabs(want[0].floats()[i]);
    budget.loss += kU * std::fabs(want[1].floats()[0]);
    HostTensor dy = want[0] ? rounded(want[0].shape(), budget.dy) : HostTensor();
    outputs.push_back({"dy", std::move(want[0]), 0, std::move(dy)});
    outputs.push_back({"loss", std::move(want[1]), 0, rounded({1}, {&budget.loss, 1})});
    outputs.push_back({"counts", std::move(want[2]), 0, HostTensor({2})});
  }

  bool has_op(const OpSet& ops) const override { return ops.loss != nullptr; }
  Support supports(const OpSet& ops) const override { return ops.loss->supports(p_); }
  size_t workspace_bytes(const OpSet& ops) const override { return ops.loss->workspace_bytes(p_); }
  void run(const OpSet& ops, Context& context, std::span<const ConstTensorView> in,
           std::span<const TensorView> out) const override {
    // By value: the kernels take it so, and in may be out of the host's reach.
    ops.loss->run(context, p_, in[0], in[1], scale(), out[0], out[1], out[2]);
  }

 private:
  float scale() const { return inputs[2].floats()[0]; }

  LossProblem p_;
};

}  // namespace

std::unique_ptr<Case> loss_case(const LossProblem& p) { return std::make_unique<LossCase>(p); }

}  // namespace gabor
