// Batch normalisation. What is allowed is what the good algorithms reach (two passes, Welford's updates, pairwise
// combination): with kappa = sqrt(1 + mean^2 / var), a relative error of the variance of n u kappa + (n u kappa)^2 (Chan,
// Golub, LeVeque, 1983; Higham, section 1.9).
#include <algorithm>
#include <cfloat>
#include <cmath>

#include "duel/case.h"
#include "ops/batchnorm.h"
#include "ops/budget.h"

namespace gabor {
namespace {

// Statistics of one channel in double, and how far float ones may be off.
struct Channel {
  Channel(const BatchNormProblem& p, std::span<const float> x, size_t c) {
    const double n = double(p.rows);
    double magnitude = 0, squares = 0;
    for (size_t i = c; i < x.size(); i += size_t(p.C)) mean += x[i], magnitude += std::fabs(x[i]);
    mean /= n;
    for (size_t i = c; i < x.size(); i += size_t(p.C)) squares += (x[i] - mean) * (x[i] - mean);
    var = squares / n;
    rstd = 1 / std::sqrt(var + double(p.epsilon));
    mean_error = sum_budget(n + 3, magnitude) / n;
    var_error = gamma(n + 8) * std::sqrt(var * (var + mean * mean)) + mean_error * mean_error +
                (n + 8) * FLT_MIN * kU;
    // 1 / sqrt is taken where the variance may be, and is itself right to 6 u, 1 more for the oracle's rounding.
    const double least = 1 / std::sqrt(var + var_error + double(p.epsilon)),
                 most = 1 / std::sqrt(std::max(var - var_error, 0.0) + double(p.epsilon));
    rstd_error = std::max(most - rstd, rstd - least) + 7 * kU * most;
  }
  // Of (x - mean) rstd: of mean and of rstd, and of x itself by its own last place, so that x rstd - mean rstd is right
  // too.
  double xhat_error(double x) const {
    return (rstd + rstd_error) * (mean_error + 2 * kU * (std::fabs(x) + std::fabs(mean))) +
           std::fabs(x - mean) * rstd_error;
  }
  double mean = 0, var = 0, rstd = 0;
  double mean_error, var_error, rstd_error;
};

class BatchNormCase final : public Case {
 public:
  BatchNormCase(const BatchNormProblem& p, Pass pass) : p_(p), pass_(pass) {
    flops = 8.0 * double(p.rows * p.C);
    bytes = float_bytes({p.x_shape(), p.x_shape()});
    if (pass == Pass::dgrad) bytes += float_bytes({p.x_shape()});
  }

  CallTensors draw(const Backend& oracle, uint64_t seed) const override {
    CallTensors call = random_call(p_, Pass::fprop, seed);
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
    const CallSpec spec = call_spec(p_, pass_);
    std::vector<HostTensor> out = outputs_of(*this, oracle, inputs, before);
    for (size_t i = 0; i < out.size(); i++)
      outputs.push_back({spec.outputs[i].name, std::move(out[i]), 0,
                         before[i] ? HostTensor(before[i].shape()) : HostTensor()});
    for (size_t c = 0; c < size_t(p_.C); c++) pass_ == Pass::fprop ? bound_forward(c) : bound_backward(c);
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
  void bound_forward(size_t c) {
    const auto x = inputs[0].floats();
    const Channel s(p_, x, c);
    const double share = p_.momentum, moved = share * p_.unbiased();
    const double g = inputs[1].floats()[c], b = inputs[2].floats()[c];
    const double old_mean = std::fabs(before[3].floats()[c]), old_var = std::fabs(before[4].floats()[c]);
    bound(1, c) = float(s.mean_error);
    bound(2, c) = float(s.rstd_error);
    bound(3, c) =
        float(share * s.mean_error + gamma(6) * ((1 - share) * old_mean + share * std::fabs(s.mean)));
    // A single row has no unbiased variance: not a bit is touched.
    bound(4, c) =
        p_.rows == 1 ? 0 : float(moved * s.var_error + gamma(8) * ((1 - share) * old_var + moved * s.var));
    for (size_t i = c; i < x.size(); i += size_t(p_.C))
      bound(0, i) = float(std::fabs(g) * s.xhat_error(x[i]) +
                          gamma(6) * (std::fabs(g * (x[i] - s.mean)) * s.rstd + std::fabs(b)) + FLT_MIN);
  }

  void bound_backward(size_t c) {
    const auto x = inputs[0].floats(), dy = inputs[1].floats();
    const double m = inputs[3].floats()[c], s = inputs[4].floats()[c], n = double(p_.rows);
    double db = 0, dg = 0, db_size = 0, dg_size = 0;
    for (size_t i = c; i < x.size(); i += size_t(p_.C)) {
      const double xhat = (x[i] - m) * s;
      db += dy[i], dg += dy[i] * xhat;
      db_size += std::fabs(dy[i]), dg_size += std::fabs(dy[i] * xhat);
    }
    // xhat takes 3 roundings, or its factor rstd is taken out of the sum; the oracle rounds once.
    const double db_error = sum_budget(n + 2, db_size), dg_error = sum_budget(n + 6, dg_size);
    // As in the forward pass x may be off by its last place.
    double dg_last = 0;
    for (size_t i = c; i < x.size(); i += size_t(p_.C))
      dg_last += 2 * kU * std::fabs(dy[i]) * (std::fabs(x[i]) + std::fabs(m)) * s;
    bound(1, c) = float(dg_error + dg_last), bound(2, c) = float(db_error);
    if (!before[0]) return;
    const double scale = std::fabs(inputs[2].floats()[c]) * s;
    for (size_t i = c; i < x.size(); i += size_t(p_.C)) {
      const double xhat = std::fabs(x[i] - m) * s;
      const double terms = std::fabs(dy[i]) + (std::fabs(db) + xhat * std::fabs(dg)) / n;
      const double inner = gamma(8) * terms + (db_error + xhat * (dg_error + dg_last)) / n +
                           2 * kU * (std::fabs(x[i]) + std::fabs(m)) * s * std::fabs(dg) / n;
      bound(0, i) =
          float(scale * inner + gamma(5) * (std::fabs(before[0].floats()[i]) + scale * terms) + FLT_MIN);
    }
  }

  float& bound(size_t output, size_t i) { return outputs[output].bound.floats()[i]; }
  BatchNormProblem p_;
  Pass pass_;
};

}  // namespace

std::unique_ptr<Case> batchnorm_case(const BatchNormProblem& p, Pass pass) {
  return std::make_unique<BatchNormCase>(p, pass);
}

}  // namespace gabor
