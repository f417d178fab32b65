// Batch normalisation. The data of a channel lies about a mean that may be a hundred deviations from 0: a variance taken
// as E[x^2] - mean^2 in float is found out.
#include <algorithm>

#include "backends/op_tests/inputs.h"
#include "backends/op_tests/op_comparison.h"
#include "backends/reference/formulas.h"
#include "ops/batchnorm.h"
#include "ops/batchnorm_budget.h"

namespace gabor::op_tests {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// x with an offset and a spread of each channel's own; whole numbers stay as they are.
std::vector<float> channel_values(Trial& trial, const BatchNormProblem& p, Data data) {
  std::vector<float> x = random_values(trial, p.rows * p.C, data, trial.storage);
  if (data == Data::integer) return x;
  constexpr float spreads[] = {1, 1, 0.01f, 8}, offsets[] = {0, 0, 1, -3, 100};
  for (int64_t c = 0; c < p.C; c++) {
    const float spread = spreads[trial.below(std::size(spreads))];
    const float offset = spread * offsets[trial.below(std::size(offsets))];
    for (int64_t i = c; i < p.rows * p.C; i += p.C)
      if (std::fabs(x[size_t(i)]) <= 1) x[size_t(i)] = offset + spread * x[size_t(i)];
  }
  return x;
}

std::vector<float> positive_values(Random& random, int64_t count) {
  std::vector<float> v(static_cast<size_t>(count));
  for (float& e : v) e = random.uniform(0.0f, 2.0f);
  return v;
}

struct Parameters {
  Parameters(Trial& trial, const BatchNormProblem& p, Data data)
      : gamma(trial, "gamma", p.c_shape(), plain(data), DType::f32),
        beta(trial, "beta", p.c_shape(), plain(data), DType::f32) {}
  Input gamma, beta;
};

// A channel that is not finite has to show in its mean; whether as NaN or as an infinity is the algorithm's (a plain sum
// keeps the infinity, an updated mean does not).
void accept_broken(std::span<const float> got, std::vector<double>& want) {
  for (size_t i = 0; i < want.size(); i++)
    if (!std::isfinite(want[i]) && !std::isfinite(got[i])) want[i] = double(got[i]);
}

void training(const BatchNorm& op, const BatchNormProblem& p, Trial& trial, Data data, Judge& judge) {
  const Input x(trial, "x", p.x_shape(), channel_values(trial, p, data));
  const Parameters w(trial, p, data);
  const auto before_mean = random_values(trial, p.C, Data::real), before_var = positive_values(trial, p.C);
  const auto c_output = [&](const char* name) {
    return Guarded::output(trial, name, p.c_shape(), DType::f32);
  };
  Guarded y = Guarded::output(trial, "y", p.x_shape(), trial.storage);
  Guarded mean = c_output("mean"), rstd = c_output("rstd");
  Guarded running_mean = Guarded::in_out(trial, "running_mean", before_mean, p.c_shape(), DType::f32),
          running_var = Guarded::in_out(trial, "running_var", before_var, p.c_shape(), DType::f32);
  const bool moves = trial.below(4) != 0;
  Scratch scratch(trial, op.workspace_bytes(p));
  op.forward_training(scratch.context, p, x.view(), w.gamma.view(), w.beta.view(), y.out(), mean.out(),
                      rstd.out(), moves ? running_mean.out() : TensorView{},
                      moves ? running_var.out() : TensorView{});
  judge.intact({&x.tensor, &w.gamma.tensor, &w.beta.tensor, &y, &mean, &rstd, &running_mean, &running_var,
                &scratch.memory});

  std::vector<double> want(x.wide.size()), want_mean(size_t(p.C)), want_rstd(size_t(p.C)),
      moved_mean = widened(before_mean), moved_var = widened(before_var);
  const BatchNormForwardBudget budget(p, x.wide, w.gamma.wide, w.beta.wide, moved_mean, moved_var);
  reference::batchnorm_forward_training(
      p, x.wide.data(), w.gamma.wide.data(), w.beta.wide.data(), want.data(), want_mean.data(),
      want_rstd.data(), moves ? moved_mean.data() : nullptr, moves ? moved_var.data() : nullptr);
  accept_broken(mean.values<float>(), want_mean);
  accept_broken(running_mean.values<float>(), moved_mean);
  judge.within("mean", mean, want_mean, budget.mean);
  judge.within("rstd", rstd, want_rstd, budget.rstd);
  judge.within("y", y, want, budget.y);
  if (!moves) {
    judge.exact("running_mean", running_mean, widened(before_mean));
    judge.exact("running_var", running_var, widened(before_var));
    return;
  }
  judge.within("running_mean", running_mean, moved_mean, budget.running_mean);
  judge.within("running_var", running_var, moved_var, budget.running_var);
}

void inference(const BatchNorm& op, const BatchNormProblem& p, Trial& trial, Data data, Judge& judge) {
  const std::vector<float> values = channel_values(trial, p, data);
  const Input x(trial, "x", p.x_shape(), values);
  const Parameters w(trial, p, data);
  const Input mean(trial, "running_mean", p.c_shape(), plain(data), DType::f32),
      var(trial, "running_var", p.c_shape(), positive_values(trial, p.C), DType::f32);
  const bool in_place = trial.below(2);
  Guarded y = in_place ? Guarded::in_out(trial, "y", values, p.x_shape(), trial.storage)
                       : Guarded::output(trial, "y", p.x_shape(), trial.storage);
  Scratch scratch(trial, op.workspace_bytes(p));
  op.forward_inference(scratch.context, p, in_place ? y.in() : x.view(), w.gamma.view(), w.beta.view(),
                       mean.view(), var.view(), y.out());
  judge.intact({&x.tensor, &w.gamma.tensor, &w.beta.tensor, &mean.tensor, &var.tensor, &y, &scratch.memory});
  std::vector<double> want(x.wide.size()), budget(want.size());
  reference::batchnorm_forward_inference(p, x.wide.data(), w.gamma.wide.data(), w.beta.wide.data(),
                                         mean.wide.data(), var.wide.data(), want.data());
  for (size_t i = 0; i < want.size(); i++) {
    const size_t c = i % size_t(p.C);
    const double scale = std::fabs(w.gamma.wide[c]) / std::sqrt(var.wide[c] + double(p.epsilon));
    const double terms = scale * (std::fabs(x.wide[i]) + std::fabs(mean.wide[c]));
    // x scale + (beta - mean scale) is right too; the scale takes up to 7 roundings.
    budget[i] = terms * std::max(1.0, scale) < 0.1 * FLT_MAX
                    ? gamma(10) * (terms + std::fabs(w.beta.wide[c])) + FLT_MIN
                    : kInfinity;
  }
  judge.within("y", y, want, budget);
}

void backward(const BatchNorm& op, const BatchNormProblem& p, Trial& trial, Data data, Judge& judge) {
  const Input x(trial, "x", p.x_shape(), channel_values(trial, p, plain(data)));
  std::vector<float> dy_values = random_values(trial, p.rows * p.C, data, trial.storage);
  for (float& v :
       dy_values)  // huge, but no product of it overflows, which would depend on the order of factors
    if (std::isfinite(v) && std::fabs(v) > 2) v *= 1e-8f;
  const Input dy(trial, "dy", p.x_shape(), dy_values),
      gamma_(trial, "gamma", p.c_shape(), plain(data), DType::f32);
  // The statistics as a forward leaves them.
  std::vector<float> means, rstds;
  for (int64_t c = 0; c < p.C; c++) {
    const BatchNormChannel s(p, x.wide, c);
    means.push_back(float(s.mean)), rstds.push_back(float(s.rstd));
  }
  const Input mean(trial, "mean", p.c_shape(), means, DType::f32),
      rstd(trial, "rstd", p.c_shape(), rstds, DType::f32);
  const GradMode mode = random_mode(trial), parameter_mode = random_mode(trial);
  const bool in_place = mode == GradMode::overwrite && trial.below(4) == 0, with_dx = trial.below(5) != 0;
  GradOutput dx(trial, "dx", p.x_shape(), mode, plain(data)),
      dgamma(trial, "dgamma", p.c_shape(), parameter_mode, plain(data), DType::f32),
      dbeta(trial, "dbeta", p.c_shape(), parameter_mode, plain(data), DType::f32);
  if (in_place) dx.tensor = Guarded::in_out(trial, "dx", dy_values, p.x_shape(), trial.storage);
  Scratch scratch(trial, op.workspace_bytes(p));
  op.backward(scratch.context, p, x.view(), in_place ? dx.tensor.in() : dy.view(), gamma_.view(), mean.view(),
              rstd.view(), with_dx ? dx.tensor.out() : TensorView{}, mode, dgamma.tensor.out(),
              dbeta.tensor.out(), parameter_mode);
  judge.intact({&x.tensor, &dy.tensor, &gamma_.tensor, &mean.tensor, &rstd.tensor, &dx.tensor, &dgamma.tensor,
                &dbeta.tensor, &scratch.memory});

  std::vector<double> want = dx.start(), want_gamma = dgamma.start(), want_beta = dbeta.start();
  reference::batchnorm_backward(p, x.wide.data(), dy.wide.data(), gamma_.wide.data(), mean.wide.data(),
                                rstd.wide.data(), want.data(), GradMode::accumulate, want_gamma.data(),
                                want_beta.data(), GradMode::accumulate);
  const BatchNormBackwardBudget budget(p, x.wide, dy.wide, gamma_.wide, mean.wide, rstd.wide,
                                       dx.start_magnitude());
  const double n = double(p.rows);
  std::vector<double> gamma_budget = dgamma.start_magnitude(), beta_budget = dbeta.start_magnitude();
  for (size_t c = 0; c < size_t(p.C); c++) {
    gamma_budget[c] = sum_budget(n + budget.kGammaRoundings, gamma_budget[c] + budget.dgamma_magnitude[c]);
    beta_budget[c] = sum_budget(n + budget.kBetaRoundings, beta_budget[c] + budget.dbeta_magnitude[c]);
  }
  if (data == Data::integer)
    judge.exact("dbeta", dbeta.tensor, want_beta);
  else
    judge.within("dbeta", dbeta.tensor, want_beta, beta_budget, n);
  judge.within("dgamma", dgamma.tensor, want_gamma, gamma_budget, n);
  if (with_dx) judge.within("dx", dx.tensor, want, budget.dx);
}

}  // namespace

OpReport OpComparison::batchnorm_forward(int count) const {
  const BatchNorm& op = *backend_->ops().batchnorm;
  const auto draw = [&](Random& random, int64_t) -> Case {
    const BatchNormProblem p = random_batchnorm(random);
    return {to_string(p), op.supports(p), [&op, p](Trial& trial, Data data, Judge& judge) {
              training(op, p, trial, data, judge);
              inference(op, p, trial, data, judge);
            }};
  };
  return sweep("batchnorm forward", count, kTries * count, draw, kAllData);
}

OpReport OpComparison::batchnorm_backward(int count) const {
  const BatchNorm& op = *backend_->ops().batchnorm;
  const auto draw = [&](Random& random, int64_t) -> Case {
    const BatchNormProblem p = random_batchnorm(random);
    return {to_string(p), op.supports(p),
            [&op, p](Trial& trial, Data data, Judge& judge) { backward(op, p, trial, data, judge); }};
  };
  return sweep("batchnorm backward", count, kTries * count, draw, kAllData);
}

}  // namespace gabor::op_tests
