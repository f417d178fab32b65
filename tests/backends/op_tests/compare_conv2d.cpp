#include "backends/op_tests/inputs.h"
#include "backends/op_tests/op_comparison.h"
#include "backends/reference/formulas.h"
#include "ops/conv2d.h"

namespace gabor::op_tests {
namespace {

Conv2dProblem without_activation(Conv2dProblem p) {
  p.activation = {};
  return p;
}

void fprop(const Conv2d& op, Conv2dProblem p, Trial& trial, Data data, double rounding, Judge& judge) {
  // Whole numbers stay exact through ReLU only.
  if (data == Data::integer && p.activation.kind != ActivationKind::none)
    p.activation = {ActivationKind::relu, 0};
  const Conv2dProblem linear = without_activation(p);
  const bool biased = trial.below(4) != 0;
  Input x(trial, "x", p.x_shape(), data), w(trial, "w", p.w_shape(), plain(data)),
      b(trial, "b", p.b_shape(), plain(data), DType::f32);
  Guarded y = Guarded::output(trial, "y", p.y_shape(), trial.storage);
  Scratch scratch(trial, op.workspace_bytes(p, Pass::fprop));
  op.fprop(scratch.context, p, x.view(), w.view(), biased ? b.view() : ConstTensorView{}, y.out());
  judge.intact({&x.tensor, &w.tensor, &b.tensor, &y, &scratch.memory});

  std::vector<double> want(size_t(p.y_shape().count())), budget(want.size());
  reference::conv2d_fprop(linear, x.wide.data(), w.wide.data(), biased ? b.wide.data() : nullptr,
                          want.data());
  if (data == Data::integer) {
    for (double& v : want) v = reference::activate(p.activation, v);
    return judge.exact("y", y, want);
  }
  reference::conv2d_fprop(linear, absolute(x.wide).data(), absolute(w.wide).data(),
                          biased ? absolute(b.wide).data() : nullptr, budget.data());
  const double n = double(p.reduction()) + 1;
  for (size_t i = 0; i < want.size(); i++) {
    budget[i] = lipschitz(p.activation) * product_budget(n, budget[i], rounding) +
                activation_error(p.activation, want[i]);
    want[i] = reference::activate(p.activation, want[i]);
  }
  judge.within("y", y, want, budget,
               p.activation.kind == ActivationKind::none ? judged_terms(n, data, rounding) : 1);
}

void dgrad(const Conv2d& op, const Conv2dProblem& p, Trial& trial, Data data, double rounding, Judge& judge) {
  Input dy(trial, "dy", p.y_shape(), data), w(trial, "w", p.w_shape(), plain(data));
  GradOutput dx(trial, "dx", p.x_shape(), random_mode(trial), plain(data));
  Scratch scratch(trial, op.workspace_bytes(p, Pass::dgrad));
  op.dgrad(scratch.context, p, dy.view(), w.view(), dx.tensor.out(), dx.mode);
  judge.intact({&dy.tensor, &w.tensor, &dx.tensor, &scratch.memory});

  std::vector<double> want = dx.start(), magnitude = dx.start_magnitude();
  reference::conv2d_dgrad(p, dy.wide.data(), w.wide.data(), want.data(), GradMode::accumulate);
  if (data == Data::integer) return judge.exact("dx", dx.tensor, want);
  reference::conv2d_dgrad(p, absolute(dy.wide).data(), absolute(w.wide).data(), magnitude.data(),
                          GradMode::accumulate);
  const double n = double(p.R * p.S * (p.K / p.groups)) + 1;
  judge.within("dx", dx.tensor, want, product_budgets(n, magnitude, rounding),
               judged_terms(n, data, rounding));
}

// dw when the zeros around x take part in the products: NaN where they meet an infinity.
std::vector<double> wgrad_through_padding(const Conv2dProblem& p, const std::vector<double>& x,
                                          const std::vector<double>& dy) {
  Conv2dProblem q = p;
  q.pad = {}, q.H = p.H + p.pad.top + p.pad.bottom, q.W = p.W + p.pad.left + p.pad.right;
  std::vector<double> wide(size_t(q.x_shape().count())), dw(size_t(q.w_shape().count())), db(size_t(q.K));
  const int64_t row = p.W * p.C;
  for (int64_t n = 0; n < p.N; n++)
    for (int64_t h = 0; h < p.H; h++)
      std::copy_n(x.begin() + (n * p.H + h) * row, row,
                  wide.begin() + ((n * q.H + h + p.pad.top) * q.W + p.pad.left) * p.C);
  reference::conv2d_wgrad(q, wide.data(), dy.data(), dw.data(), db.data(), GradMode::overwrite);
  return dw;
}

void wgrad(const Conv2d& op, const Conv2dProblem& p, Trial& trial, Data data, double rounding, Judge& judge) {
  const bool biased = trial.below(4) != 0;
  const GradMode mode = random_mode(trial);
  Input x(trial, "x", p.x_shape(), plain(data)), dy(trial, "dy", p.y_shape(), data);
  GradOutput dw(trial, "dw", p.w_shape(), mode, plain(data), DType::f32),
      db(trial, "db", p.b_shape(), mode, plain(data), DType::f32);
  Scratch scratch(trial, op.workspace_bytes(p, Pass::wgrad));
  op.wgrad(scratch.context, p, x.view(), dy.view(), dw.tensor.out(), biased ? db.tensor.out() : TensorView{},
           mode);
  judge.intact({&x.tensor, &dy.tensor, &dw.tensor, &db.tensor, &scratch.memory});

  std::vector<double> want = dw.start(), want_b = db.start();
  reference::conv2d_wgrad(p, x.wide.data(), dy.wide.data(), want.data(), want_b.data(), GradMode::accumulate);
  if (data == Data::integer) {
    judge.exact("dw", dw.tensor, want);
    if (biased) judge.exact("db", db.tensor, want_b);
    return;
  }
  std::vector<double> magnitude = dw.start_magnitude(), magnitude_b = db.start_magnitude();
  reference::conv2d_wgrad(p, absolute(x.wide).data(), absolute(dy.wide).data(), magnitude.data(),
                          magnitude_b.data(), GradMode::accumulate);
  if (data == Data::special) {  // ops/conv2d.h lets padding be multiplied
    const std::vector<double> other = wgrad_through_padding(p, x.wide, dy.wide);
    const auto got = dw.tensor.values<float>();
    for (size_t i = 0; i < want.size(); i++)
      if (std::isnan(other[i]) && std::isnan(got[i])) want[i] = other[i];
  }
  // A kernel may take db with dw, as products of dy and 1.
  const double n = double(p.N * p.P() * p.Q()) + 1;
  judge.within("dw", dw.tensor, want, product_budgets(n, magnitude, rounding),
               judged_terms(n, data, rounding));
  if (biased)
    judge.within("db", db.tensor, want_b, product_budgets(n, magnitude_b, rounding),
                 judged_terms(n, data, rounding));
}

}  // namespace

OpComparison::Case OpComparison::conv2d_case(const Conv2dProblem& p, Pass pass) const {
  const Conv2d& op = *backend_->ops().conv2d;
  const double rounding = rounding_of(backend_->traits());
  return {to_string(p), op.supports(p, pass),
          [&op, p, pass, rounding](Trial& trial, Data data, Judge& judge) {
            if (pass == Pass::fprop) fprop(op, p, trial, data, rounding, judge);
            if (pass == Pass::dgrad) dgrad(op, p, trial, data, rounding, judge);
            if (pass == Pass::wgrad) wgrad(op, p, trial, data, rounding, judge);
          }};
}

OpReport OpComparison::conv2d(Pass pass, int count) const {
  const auto draw = [&](Random& random, int64_t) {
    Conv2dProblem p = random_conv2d(random);
    if (pass == Pass::fprop && random.below(2)) p.activation = random_activation(random);
    return conv2d_case(p, pass);
  };
  return sweep(std::string("conv2d ") + name_of(pass), count, kTries * count, draw, kAllData);
}

OpReport OpComparison::conv2d(Pass pass, std::span<const TaggedConv2d> problems) const {
  const int64_t count = int64_t(problems.size());
  return sweep(
      std::string("conv2d list ") + name_of(pass), count, count,
      [&](Random&, int64_t i) { return conv2d_case(problems[size_t(i)].problem, pass); }, kAllData);
}

}  // namespace gabor::op_tests
