#include "backends/op_tests/inputs.h"
#include "backends/op_tests/op_comparison.h"
#include "backends/reference/formulas.h"
#include "ops/dense.h"

namespace gabor::op_tests {
namespace {

void fprop(const Dense& op, DenseProblem p, Trial& trial, Data data, double rounding, Judge& judge) {
  if (data == Data::integer && p.activation.kind != ActivationKind::none)
    p.activation = {ActivationKind::relu, 0};
  DenseProblem linear = p;
  linear.activation = {};
  const bool biased = trial.below(4) != 0;
  Input x(trial, "x", p.x_shape(), data), w(trial, "w", p.w_shape(), plain(data)),
      b(trial, "b", p.b_shape(), plain(data), DType::f32);
  Guarded y = Guarded::output(trial, "y", p.y_shape(), trial.storage);
  Scratch scratch(trial, op.workspace_bytes(p, Pass::fprop));
  op.fprop(scratch.context, p, x.view(), w.view(), biased ? b.view() : ConstTensorView{}, y.out());
  judge.intact({&x.tensor, &w.tensor, &b.tensor, &y, &scratch.memory});

  std::vector<double> want(size_t(p.N * p.K)), budget(want.size());
  reference::dense_fprop(linear, x.wide.data(), w.wide.data(), biased ? b.wide.data() : nullptr, want.data());
  if (data == Data::integer) {
    for (double& v : want) v = reference::activate(p.activation, v);
    return judge.exact("y", y, want);
  }
  reference::dense_fprop(linear, absolute(x.wide).data(), absolute(w.wide).data(),
                         biased ? absolute(b.wide).data() : nullptr, budget.data());
  const double n = double(p.C) + 1;
  for (size_t i = 0; i < want.size(); i++) {
    const double sums = product_budget(n, budget[i], rounding);
    // The activation may be a pass of its own over y, which is then stored twice.
    const double between =
        none_or_relu(p.activation) ? 0 : storage_error(trial.storage, std::fabs(want[i]) + sums);
    budget[i] = lipschitz(p.activation) * (sums + between) + activation_error(p.activation, want[i]);
    want[i] = reference::activate(p.activation, want[i]);
  }
  judge.within("y", y, want, budget,
               p.activation.kind == ActivationKind::none ? judged_terms(n, data, rounding) : 1);
}

void judge_dx(const DenseProblem& p, const Input& dy, const Input& w, const GradOutput& dx, Data data,
              double rounding, Judge& judge) {
  std::vector<double> want = dx.start(), magnitude = dx.start_magnitude();
  reference::dense_dgrad(p, dy.wide.data(), w.wide.data(), want.data(), GradMode::accumulate);
  if (data == Data::integer) return judge.exact("dx", dx.tensor, want);
  reference::dense_dgrad(p, absolute(dy.wide).data(), absolute(w.wide).data(), magnitude.data(),
                         GradMode::accumulate);
  const double n = double(p.K) + 1;
  judge.within("dx", dx.tensor, want, product_budgets(n, magnitude, rounding),
               judged_terms(n, data, rounding));
}

// db: null if it was not asked for.
void judge_dw(const DenseProblem& p, const Input& x, const Input& dy, const GradOutput& dw,
              const GradOutput* db, Data data, double rounding, Judge& judge) {
  std::vector<double> want = dw.start(), want_b = db ? db->start() : std::vector<double>(size_t(p.K));
  std::vector<double> magnitude = dw.start_magnitude(), magnitude_b = absolute(want_b);
  reference::dense_wgrad(p, x.wide.data(), dy.wide.data(), want.data(), want_b.data(), GradMode::accumulate);
  if (data == Data::integer) {
    judge.exact("dw", dw.tensor, want);
    if (db) judge.exact("db", db->tensor, want_b);
    return;
  }
  reference::dense_wgrad(p, absolute(x.wide).data(), absolute(dy.wide).data(), magnitude.data(),
                         magnitude_b.data(), GradMode::accumulate);
  const double n = double(p.N) + 1;
  judge.within("dw", dw.tensor, want, product_budgets(n, magnitude, rounding),
               judged_terms(n, data, rounding));
  if (db) judge.within("db", db->tensor, want_b, sum_budgets(n, magnitude_b), n);
}

void dgrad(const Dense& op, const DenseProblem& p, Trial& trial, Data data, double rounding, Judge& judge) {
  Input dy(trial, "dy", p.y_shape(), data), w(trial, "w", p.w_shape(), plain(data));
  GradOutput dx(trial, "dx", p.x_shape(), random_mode(trial), plain(data));
  Scratch scratch(trial, op.workspace_bytes(p, Pass::dgrad));
  op.dgrad(scratch.context, p, dy.view(), w.view(), dx.tensor.out(), dx.mode);
  judge.intact({&dy.tensor, &w.tensor, &dx.tensor, &scratch.memory});
  judge_dx(p, dy, w, dx, data, rounding, judge);
}

// By wgrad, or together with dx by backward.
void wgrad(const Dense& op, const DenseProblem& p, Trial& trial, Data data, double rounding, Judge& judge) {
  const bool biased = trial.below(4) != 0, with_dx = trial.below(2) != 0;
  const GradMode mode = random_mode(trial);
  Input x(trial, "x", p.x_shape(), plain(data)), dy(trial, "dy", p.y_shape(), data);
  GradOutput dw(trial, "dw", p.w_shape(), mode, plain(data), DType::f32),
      db(trial, "db", p.b_shape(), mode, plain(data), DType::f32);
  const TensorView db_out = biased ? db.tensor.out() : TensorView{};
  if (with_dx) {
    Input w(trial, "w", p.w_shape(), plain(data));
    GradOutput dx(trial, "dx", p.x_shape(), random_mode(trial), plain(data));
    Input y(trial, "y", p.y_shape(), plain(data));
    DenseProblem through = p;
    through.activation.kind = trial.below(2) ? ActivationKind::relu : ActivationKind::none;
    const bool takes_y = op.through_activation(through);
    Scratch scratch(trial, op.backward_workspace_bytes(p));
    op.backward(scratch.context, through, x.view(), w.view(), takes_y ? y.view() : ConstTensorView{},
                dy.view(), dx.tensor.out(), dx.mode, dw.tensor.out(), db_out, mode);
    judge.intact(
        {&x.tensor, &w.tensor, &y.tensor, &dy.tensor, &dx.tensor, &dw.tensor, &db.tensor, &scratch.memory});
    for (size_t i = 0; takes_y && i < dy.wide.size(); i++) dy.wide[i] *= y.wide[i] <= 0 ? 0 : 1;
    judge_dx(p, dy, w, dx, data, rounding, judge);
  } else {
    Scratch scratch(trial, op.workspace_bytes(p, Pass::wgrad));
    op.wgrad(scratch.context, p, x.view(), dy.view(), dw.tensor.out(), db_out, mode);
    judge.intact({&x.tensor, &dy.tensor, &dw.tensor, &db.tensor, &scratch.memory});
  }
  judge_dw(p, x, dy, dw, biased ? &db : nullptr, data, rounding, judge);
}

}  // namespace

OpReport OpComparison::dense(Pass pass, int count) const {
  const Dense& op = *backend_->ops().dense;
  const double rounding = rounding_of(backend_->traits());
  const auto draw = [&](Random& random, int64_t) -> Case {
    DenseProblem p = random_dense(random);
    if (pass == Pass::fprop && random.below(2)) p.activation = random_activation(random);
    return {to_string(p), op.supports(p, pass),
            [&op, p, pass, rounding](Trial& trial, Data data, Judge& judge) {
              if (pass == Pass::fprop) fprop(op, p, trial, data, rounding, judge);
              if (pass == Pass::dgrad) dgrad(op, p, trial, data, rounding, judge);
              if (pass == Pass::wgrad) wgrad(op, p, trial, data, rounding, judge);
            }};
  };
  return sweep(std::string("dense ") + name_of(pass), count, kTries * count, draw, kAllData);
}

}  // namespace gabor::op_tests
