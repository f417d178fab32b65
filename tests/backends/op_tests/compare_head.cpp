// A head, tensor by tensor: each that it leaves is judged by the formulas of its op, from what it has left of the one before.
#include "backends/op_tests/inputs.h"
#include "backends/op_tests/op_comparison.h"
#include "backends/reference/formulas.h"
#include "ops/head.h"
#include "ops/softmax_budget.h"

namespace gabor::op_tests {
namespace {

std::vector<double> wide(const Guarded& tensor) { return widened(tensor.floats()); }

// What a call reads and writes; outputs are as Guarded::output leaves them.
struct Call {
  Call(const HeadProblem& p, Trial& trial, Data data)
      : loss_problem{LossKind::softmax_xent, p.N, p.classes(), p.label_smoothing, p.two_labels},
        x(trial, "x", p.pool ? p.pool->x_shape() : p.layer(0).x_shape(), data),
        label_values(random_labels(trial, loss_problem)),
        labels(Guarded::input(trial, "labels", label_values.data(), p.labels_shape(), DType::i32)),
        pooled(Guarded::output(trial, "pooled", p.pool ? p.pool->y_shape() : Shape{1}, DType::f32)),
        dx(Guarded::output(trial, "dx", x.view().shape, DType::f32)),
        loss(Guarded::output(trial, "loss", {1}, DType::f32)),
        counts(Guarded::output(trial, "counts", {2}, DType::i32)),
        with_dx(trial.below(4) != 0) {
    for (int i = 0; i < p.layers; i++) {
      const DenseProblem& d = p.layer(i);
      w.emplace_back(trial, "w", d.w_shape(), plain(data));
      b.emplace_back(trial, "b", d.b_shape(), plain(data));
      biased.push_back(trial.below(4) != 0);
      y.push_back(Guarded::output(trial, "y", d.y_shape(), DType::f32));
      dz.push_back(Guarded::output(trial, "dz", d.y_shape(), DType::f32));
    }
  }

  HeadTensors tensors(const HeadProblem& p) {
    HeadTensors t;
    t.x = x.view(), t.labels = labels.in(), t.loss = loss.out(), t.counts = counts.out();
    if (p.pool) t.pooled = pooled.out();
    if (with_dx) t.dx = dx.out();
    for (size_t i = 0; i < w.size(); i++) {
      t.w[i] = w[i].view(), t.y[i] = y[i].out(), t.dz[i] = dz[i].out();
      if (biased[i]) t.b[i] = b[i].view();
    }
    return t;
  }

  void judge_intact(Judge& judge) const {
    judge.intact({&x.tensor, &labels, &pooled, &dx, &loss, &counts});
    for (size_t i = 0; i < w.size(); i++) judge.intact({&w[i].tensor, &b[i].tensor, &y[i], &dz[i]});
  }

  LossProblem loss_problem;
  Input x;
  std::vector<int32_t> label_values;
  Guarded labels, pooled, dx, loss, counts;
  bool with_dx;
  std::vector<Input> w, b;
  std::vector<bool> biased;
  std::vector<Guarded> y, dz;
};

void judge_y(const Call& call, const DenseProblem& d, size_t i, const std::vector<double>& x, Data data,
             Judge& judge) {
  DenseProblem linear = d;
  linear.activation = {};
  const double* bias = call.biased[i] ? call.b[i].wide.data() : nullptr;
  std::vector<double> want(size_t(d.N * d.K)), magnitude(want.size());
  reference::dense_fprop(linear, x.data(), call.w[i].wide.data(), bias, want.data());
  reference::dense_fprop(linear, absolute(x).data(), absolute(call.w[i].wide).data(),
                         bias ? absolute(call.b[i].wide).data() : nullptr, magnitude.data());
  for (double& v : want) v = reference::activate(d.activation, v);
  // Sums of whole numbers are exact as long as float can count them.
  constexpr double kExact = 1 << 24;
  for (double& m : magnitude) m = data == Data::integer && m <= kExact ? 0 : sum_budget(double(d.C) + 1, m);
  judge.within("y", call.y[i], want, magnitude);
}

struct Gradient {
  std::vector<double> value, magnitude;
};

// Of what layer i reads.
Gradient gradient_of_x(const Call& call, const DenseProblem& d, size_t i) {
  Gradient g{std::vector<double>(size_t(d.N * d.C)), std::vector<double>(size_t(d.N * d.C))};
  const std::vector<double> dz = wide(call.dz[i]);
  reference::dense_dgrad(d, dz.data(), call.w[i].wide.data(), g.value.data(), GradMode::overwrite);
  reference::dense_dgrad(d, absolute(dz).data(), absolute(call.w[i].wide).data(), g.magnitude.data(),
                         GradMode::overwrite);
  return g;
}

// dz of the layer before layer i.
void judge_dz(const Call& call, const DenseProblem& before, const DenseProblem& d, size_t i, Judge& judge) {
  Gradient g = gradient_of_x(call, d, i);
  const std::vector<double> y = wide(call.y[i - 1]);
  for (size_t j = 0; j < y.size(); j++) {
    const double slope = reference::activation_slope(before.activation, y[j], y[j]);
    g.value[j] *= slope;
    const double budget = sum_budget(double(d.K) + 1, g.magnitude[j]);
    g.magnitude[j] = slope == 0 && std::isfinite(budget) ? 0 : budget;
  }
  judge.within("dz", call.dz[i - 1], g.value, g.magnitude);
}

void judge_dx(const Call& call, const HeadProblem& p, Judge& judge) {
  Gradient g = gradient_of_x(call, p.layer(0), 0);
  double n = double(p.layer(0).K) + 1;
  if (p.pool) {
    std::vector<double> pooled(g.value.size());
    std::vector<int32_t> winners(pooled.size());
    reference::pool2d_forward(*p.pool, call.x.wide.data(), pooled.data(), winners.data());
    Gradient of_map{std::vector<double>(call.x.wide.size()), std::vector<double>(call.x.wide.size())};
    for (const auto& [from, to] : {std::pair{&g.value, &of_map.value}, {&g.magnitude, &of_map.magnitude}})
      reference::pool2d_backward(*p.pool, call.x.wide.data(), pooled.data(), winners.data(), from->data(),
                                 to->data(), GradMode::overwrite);
    g = std::move(of_map);
    n += double(p.pool->R * p.pool->S) + 1;
  }
  judge.within("dx", call.dx, g.value, sum_budgets(n, g.magnitude));
}

void judge_loss(const Call& call, float scale, Judge& judge) {
  const LossProblem& p = call.loss_problem;
  const std::vector<double> logits = wide(call.y.back());
  std::vector<double> dz(logits.size()), loss(1);
  std::vector<int32_t> counts(2);
  reference::loss_run(p, logits.data(), call.label_values.data(), scale, dz.data(), loss.data(),
                      counts.data());
  LossBudget budget = loss_budget(p, logits, call.label_values, scale);
  for (const double y : logits)  // the differences of two may overflow in float
    if (std::isfinite(y) && std::fabs(y) > FLT_MAX / 4) budget.loss = std::numeric_limits<double>::infinity();
  judge.exact("counts", call.counts.values<int32_t>(), counts);
  judge.within("loss", call.loss, loss, {&budget.loss, 1});
  judge.within("dz of the logits", call.dz.back(), dz, budget.dy);
}

void run(const Head& op, const HeadProblem& p, Trial& trial, Data data, Judge& judge) {
  Call call(p, trial, data);
  const float scale = 1.0f / float(p.N);
  Scratch scratch(trial, op.workspace_bytes(p));
  op.run(scratch.context, p, call.tensors(p), scale);
  call.judge_intact(judge);
  judge.intact({&scratch.memory});

  std::vector<double> x = call.x.wide;
  if (p.pool) {
    std::vector<double> want(size_t(p.pool->y_shape().count()));
    reference::pool2d_forward(*p.pool, x.data(), want.data(), nullptr);
    judge.exact("pooled", call.pooled, want);
    x = wide(call.pooled);
  }
  for (int i = 0; i < p.layers; i++) {
    judge_y(call, p.layer(i), size_t(i), x, data, judge);
    x = wide(call.y[size_t(i)]);
  }
  judge_loss(call, scale, judge);
  for (int i = p.layers - 1; i > 0; i--) judge_dz(call, p.layer(i - 1), p.layer(i), size_t(i), judge);
  if (call.with_dx) judge_dx(call, p, judge);
}

// From tensors that no run has left: whole numbers among them, whose sums are exact.
void wgrad(const Head& op, const HeadProblem& p, Trial& trial, Data data, Judge& judge) {
  const GradMode mode = random_mode(trial);
  HeadTensors t;
  const Shape first = p.pool ? p.pool->y_shape() : p.layer(0).x_shape();
  std::vector<Input> x, dz;
  std::vector<GradOutput> dw, db;
  x.emplace_back(trial, "x", first, plain(data));
  for (int i = 0; i < p.layers; i++) {
    const DenseProblem& d = p.layer(i);
    x.emplace_back(trial, "y", d.y_shape(), plain(data)), dz.emplace_back(trial, "dz", d.y_shape(), data);
    dw.emplace_back(trial, "dw", d.w_shape(), mode, plain(data));
    db.emplace_back(trial, "db", d.b_shape(), mode, plain(data));
  }
  const auto writable = [](const Input& in) {  // views of HeadTensors are those of run
    return TensorView{const_cast<void*>(in.view().data), in.view().shape, DType::f32};
  };
  std::vector<bool> biased;
  p.pool ? void(t.pooled = writable(x[0])) : void(t.x = x[0].view());
  for (size_t i = 0; i < dz.size(); i++) {
    biased.push_back(trial.below(4) != 0);
    t.y[i] = writable(x[i + 1]), t.dz[i] = writable(dz[i]), t.dw[i] = dw[i].tensor.out();
    if (biased[i]) t.db[i] = db[i].tensor.out();
  }
  Scratch scratch(trial, op.workspace_bytes(p));
  op.wgrad(scratch.context, p, t, mode);
  judge.intact({&x.back().tensor, &scratch.memory});
  for (size_t i = 0; i < dz.size(); i++) {
    judge.intact({&x[i].tensor, &dz[i].tensor, &dw[i].tensor, &db[i].tensor});
    const DenseProblem& d = p.layer(int(i));
    std::vector<double> want = dw[i].start(), want_b = db[i].start();
    std::vector<double> magnitude = dw[i].start_magnitude(), magnitude_b = db[i].start_magnitude();
    reference::dense_wgrad(d, x[i].wide.data(), dz[i].wide.data(), want.data(), want_b.data(),
                           GradMode::accumulate);
    reference::dense_wgrad(d, absolute(x[i].wide).data(), absolute(dz[i].wide).data(), magnitude.data(),
                           magnitude_b.data(), GradMode::accumulate);
    const bool exact = data == Data::integer;
    const double n = double(d.N) + 1;
    if (exact) judge.exact("dw", dw[i].tensor, want);
    if (!exact) judge.within("dw", dw[i].tensor, want, sum_budgets(n, magnitude), n);
    if (!biased[i]) continue;
    if (exact) judge.exact("db", db[i].tensor, want_b);
    if (!exact) judge.within("db", db[i].tensor, want_b, sum_budgets(n, magnitude_b), n);
  }
}

}  // namespace

OpReport OpComparison::head(int count) const {
  const Head& op = *backend_->ops().head;
  const auto draw = [&](Random& random, int64_t) -> Case {
    const HeadProblem p = random_head(random);
    return {to_string(p), op.supports(p), [&op, p](Trial& trial, Data data, Judge& judge) {
              run(op, p, trial, data, judge);
              wgrad(op, p, trial, data, judge);
            }};
  };
  return sweep("head", count, kTries * count, draw, kAllData);
}

}  // namespace gabor::op_tests
