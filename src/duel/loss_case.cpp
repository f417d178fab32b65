#include <cfloat>
#include <cmath>

#include "duel/case.h"
#include "duel/softmax_row.h"
#include "ops/loss.h"

namespace gabor {
namespace {

class LossCase final : public Case {
 public:
  explicit LossCase(const LossProblem& p) : p_(p) {
    flops = 6.0 * double(p.N * p.K);
    bytes = float_bytes({{p.N, p.K}, {p.N, p.K}, {p.N}});
  }

  CallTensors draw(const Backend&, uint64_t seed) const override {
    CallTensors call = random_call(p_, Pass::fprop, seed);
    int32_t* labels = call.inputs[1].view().as<int32_t>();
    for (int64_t n = 0; n < p_.N; n++) labels[n] = int32_t((n + int64_t(seed)) % p_.K);
    call.inputs[2].floats()[0] = 1 / float(p_.N);
    return call;
  }

  void expect(const Backend& oracle) override {
    std::vector<HostTensor> out = outputs_of(*this, oracle, inputs, before);
    HostTensor dy = before[0], loss({1});
    loss.floats()[0] = p_.kind == LossKind::softmax_xent ? entropy_budgets(dy) : square_budgets(dy);
    outputs.push_back({"dy", std::move(out[0]), 0, std::move(dy)});
    outputs.push_back({"loss", std::move(out[1]), 0, std::move(loss)});
    outputs.push_back({"counts", std::move(out[2]), 0, HostTensor({2})});
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
  std::span<const float> row(int64_t n) const {
    return std::as_const(inputs[0]).floats().subspan(size_t(n * p_.K), size_t(p_.K));
  }
  int32_t label(int64_t n) const { return inputs[1].view().as<int32_t>()[n]; }

  // Both: sets the budget of each dy where there are any, and returns that of the loss.
  float entropy_budgets(HostTensor& dy) const {
    const double share = double(p_.label_smoothing) / double(p_.K);
    double errors = 0, magnitude = 0;
    for (int64_t n = 0; n < p_.N; n++) {
      if (label(n) < 0) continue;  // dy must be 0
      const auto y = row(n);
      const SoftmaxRow r(y);
      // The error of the sum is an absolute one of its logarithm; log's own error.
      errors += r.sum_error + 4 * kU * std::log(r.sum);
      magnitude += std::log(r.sum) + std::fabs(r.max) + std::fabs(y[size_t(label(n))]);
      for (size_t k = 0; k < y.size(); k++) {
        if (share > 0) magnitude += share * (std::fabs(y[k]) + std::fabs(r.max));
        if (!dy) continue;
        const double probability = std::exp(y[k] - r.max) / r.sum, hot = int32_t(k) == label(n) ? 1 : 0;
        dy.floats()[size_t(n * p_.K) + k] = float(scale() * (probability * (r.own_error(y[k]) + r.sum_error) +
                                                             gamma(6) * (probability + hot + share)) +
                                                  FLT_MIN);
      }
    }
    return float(errors + sum_budget(double(p_.K + p_.N) + 5, magnitude));
  }

  float square_budgets(HostTensor& dy) const {
    double magnitude = 0;
    for (int64_t n = 0; n < p_.N; n++) {
      if (label(n) < 0) continue;
      const auto y = row(n);
      for (size_t k = 0; k < y.size(); k++) {
        const double size = std::fabs(y[k]) + (int32_t(k) == label(n) ? 1 : 0);
        magnitude += size * size / double(p_.K);
        if (dy)
          dy.floats()[size_t(n * p_.K) + k] = float(scale() * gamma(7) * 2 * size / double(p_.K) + FLT_MIN);
      }
    }
    return float(sum_budget(double(p_.K + p_.N) + 5, magnitude));
  }

  LossProblem p_;
};

}  // namespace

std::unique_ptr<Case> loss_case(const LossProblem& p) { return std::make_unique<LossCase>(p); }

}  // namespace gabor
