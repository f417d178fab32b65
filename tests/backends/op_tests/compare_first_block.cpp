#include <algorithm>

#include "backends/op_tests/inputs.h"
#include "backends/op_tests/op_comparison.h"
#include "backends/reference/formulas.h"
#include "ops/first_block.h"

namespace gabor::op_tests {
namespace {

FirstBlockProblem one_sample(FirstBlockProblem p) {
  p.conv.N = p.pool.N = 1;
  return p;
}

// Images for the backend, and what the convolution sees of them in double: values and sums of absolute terms.
struct Images {
  Images(Trial& trial, const FirstBlockProblem& p, Data data) : tensor(make(trial, p, data)) {}
  std::vector<double> x, magnitude;  // filled by make(), so before the tensor
  Guarded tensor;

 private:
  Guarded make(Trial& trial, const FirstBlockProblem& p, Data data) {
    const Shape shape = p.conv.x_shape();
    if (p.input == DType::f32) {
      const std::vector<float> values = random_values(trial, shape.count(), data);
      x = widened(values), magnitude = absolute(x);
      return Guarded::input(trial, "x", values.data(), shape, DType::f32);
    }
    std::vector<uint8_t> pixels(size_t(shape.count()));
    for (uint8_t& v : pixels) v = uint8_t(trial.below(data == Data::integer ? 4 : 256));
    for (size_t i = 0; i < pixels.size(); i++) {
      const size_t c = i % size_t(p.conv.C);
      const double scaled = pixels[i] * double(p.normalize.scale[c]), shift = p.normalize.shift[c];
      x.push_back(scaled + shift), magnitude.push_back(std::fabs(scaled) + std::fabs(shift));
    }
    return Guarded::input(trial, "x", pixels.data(), shape, DType::u8);
  }
};

Normalize random_normalize(Random& random, const FirstBlockProblem& p, Data data) {
  Normalize n;
  if (p.input == DType::u8)
    for (size_t c = 0; c < size_t(p.conv.C); c++) {
      n.scale[c] = data == Data::integer ? float(1 + random.below(2)) : random.uniform(0.004f, 0.02f);
      n.shift[c] = data == Data::integer ? float(random.below(3)) - 1 : random.uniform(-2.0f, 2.0f);
    }
  return n;
}

// The block on double: the pooled map, its winners, each element's budget, and whether the winner is certain
// (a backend may prefer another element that lies within the budgets, and then be as right).
struct Expected {
  std::vector<double> y, budget;
  std::vector<uint8_t> winner;
  std::vector<bool> certain;
};

void expect_sample(const FirstBlockProblem& all, const double* x, const double* magnitude,
                   const std::vector<double>& w, const std::vector<double>& b, Expected& out) {
  const FirstBlockProblem p = one_sample(all);
  Conv2dProblem linear = p.conv;
  linear.activation = {};
  const size_t full = size_t(linear.y_shape().count()), pooled = size_t(p.pool.y_shape().count());
  std::vector<double> sums(full), sizes(full), y(pooled);
  std::vector<uint8_t> winner(pooled);
  reference::first_block_forward(p, x, w.data(), b.data(), y.data(), winner.data());
  reference::conv2d_fprop(linear, x, w.data(), b.data(), sums.data());
  reference::conv2d_fprop(linear, magnitude, absolute(w).data(), absolute(b).data(), sizes.data());
  // A backend may fold scale and shift into the weights: two more roundings in each product, and a sum of
  // shifts.
  const double n = 2 * double(linear.reduction()) + 6;
  for (size_t i = 0; i < pooled; i++) {
    const int64_t K = p.pool.C, k = int64_t(i) % K, j = int64_t(i) / K % p.pool.Q(),
                  row = int64_t(i) / K / p.pool.Q();
    double budget = 0, best = -INFINITY, second = -INFINITY;
    for (int64_t r = 0; r < p.pool.R; r++)
      for (int64_t s = 0; s < p.pool.S; s++) {
        const int64_t h = row * p.pool.stride_h + r, v = j * p.pool.stride_w + s;
        if (h >= p.pool.H || v >= p.pool.W) continue;
        const size_t at = size_t((h * p.pool.W + v) * K + k);
        budget = std::max(budget, sum_budget(n, sizes[at]));
        second = std::max(second, std::min(best, sums[at])), best = std::max(best, sums[at]);
      }
    out.budget.push_back(budget);
    out.certain.push_back(best - second > 2 * budget && std::fabs(best) > budget);
  }
  out.y.insert(out.y.end(), y.begin(), y.end());
  out.winner.insert(out.winner.end(), winner.begin(), winner.end());
}

struct Run {
  Run(Trial& trial, FirstBlockProblem problem, Data data)
      : p((problem.normalize = random_normalize(trial, problem, data), problem)),
        images(trial, p, data),
        w(trial, "w", p.conv.w_shape(), plain(data)),
        b(trial, "b", p.conv.b_shape(), data, DType::f32),
        biased(trial.below(4) != 0 || data == Data::special),
        y(Guarded::output(trial, "y", p.pool.y_shape(), trial.storage)) {
    const std::vector<double> bias = biased ? b.wide : std::vector<double>(b.wide.size());
    const int64_t sample = p.conv.H * p.conv.W * p.conv.C;
    for (int64_t n = 0; n < p.conv.N; n++)
      expect_sample(p, images.x.data() + n * sample, images.magnitude.data() + n * sample, w.wide, bias,
                    expected);
  }
  FirstBlockProblem p;
  Images images;
  Input w, b;
  bool biased;
  Guarded y;
  Expected expected;
};

void forward(const FirstBlock& op, Trial& trial, Run& run, Guarded& argmax, bool keep, Judge& judge) {
  Scratch scratch(trial, op.workspace_bytes(run.p));
  op.forward(scratch.context, run.p, run.images.tensor.in(), run.w.view(),
             run.biased ? run.b.view() : ConstTensorView{}, run.y.out(), keep ? argmax.out() : TensorView{});
  judge.intact({&run.images.tensor, &run.w.tensor, &run.b.tensor, &run.y, &argmax, &scratch.memory});
}

Guarded make_argmax(const FirstBlock& op, Trial& trial, const FirstBlockProblem& p) {
  return Guarded::output(trial, "argmax", {p.conv.N * int64_t(op.argmax_bytes(p))}, DType::u8);
}

void judge_y(Run& run, Data data, Judge& judge) {
  if (data == Data::integer)
    judge.exact("y", run.y, run.expected.y);
  else
    judge.within("y", run.y, run.expected.y, run.expected.budget);
}

void check_forward(const FirstBlock& op, const FirstBlockProblem& p, Trial& trial, Data data, Judge& judge) {
  Run run(trial, p, data == Data::special && p.input == DType::f32 ? Data::real : data);
  Guarded argmax = make_argmax(op, trial, p);
  forward(op, trial, run, argmax, trial.below(2), judge);
  judge_y(run, data, judge);
}

void check_backward(const FirstBlock& op, const FirstBlockProblem& problem, Trial& trial, Data data,
                    Judge& judge) {
  Run run(trial, problem, data);
  const FirstBlockProblem& p = run.p;
  Guarded argmax = make_argmax(op, trial, p);
  forward(op, trial, run, argmax, true, judge);
  judge_y(run, data, judge);

  std::vector<float> d = random_values(trial, p.pool.y_shape().count(), data);
  if (data != Data::integer)
    for (size_t i = 0; i < d.size(); i++)
      if (!run.expected.certain[i]) d[i] = 0;
  const Input dy(trial, "dy", p.pool.y_shape(), d);
  const GradMode mode = random_mode(trial);
  GradOutput dw(trial, "dw", p.conv.w_shape(), mode, data, DType::f32),
      db(trial, "db", p.conv.b_shape(), mode, data, DType::f32);
  const bool biased = trial.below(4) != 0;
  Scratch scratch(trial, op.workspace_bytes(p));
  op.backward(scratch.context, p, run.images.tensor.in(), argmax.in(), dy.view(), dw.tensor.out(),
              biased ? db.tensor.out() : TensorView{}, mode);
  judge.intact({&run.images.tensor, &argmax, &dy.tensor, &dw.tensor, &db.tensor, &scratch.memory});

  const FirstBlockProblem one = one_sample(p);
  const int64_t image = p.conv.H * p.conv.W * p.conv.C, pooled = one.pool.y_shape().count();
  std::vector<double> want = dw.start(), want_b = db.start(), size = dw.start_magnitude(),
                      size_b = db.start_magnitude();
  const std::vector<double> dy_size = absolute(dy.wide);
  for (int64_t n = 0; n < p.conv.N; n++) {
    const uint8_t* winner = run.expected.winner.data() + n * pooled;
    reference::first_block_backward(one, run.images.x.data() + n * image, winner, dy.wide.data() + n * pooled,
                                    want.data(), want_b.data());
    reference::first_block_backward(one, run.images.magnitude.data() + n * image, winner,
                                    dy_size.data() + n * pooled, size.data(), size_b.data());
  }
  if (data == Data::integer) {
    judge.exact("dw", dw.tensor, want);
    if (biased) judge.exact("db", db.tensor, want_b);
    return;
  }
  const double terms = 2 * double(p.conv.N * pooled) + 6;
  judge.within("dw", dw.tensor, want, sum_budgets(terms, size), terms);
  if (biased) judge.within("db", db.tensor, want_b, sum_budgets(terms, size_b), terms);
}

}  // namespace

OpReport OpComparison::first_block_forward(int count) const {
  const FirstBlock& op = *backend_->ops().first_block;
  const auto draw = [&](Random& random, int64_t) -> Case {
    const FirstBlockProblem p = random_first_block(random);
    return {to_string(p), op.supports(p),
            [&op, p](Trial& trial, Data data, Judge& judge) { check_forward(op, p, trial, data, judge); }};
  };
  return sweep("first_block forward", count, kTries * count, draw, kAllData);
}

OpReport OpComparison::first_block_backward(int count) const {
  const FirstBlock& op = *backend_->ops().first_block;
  const auto draw = [&](Random& random, int64_t) -> Case {
    const FirstBlockProblem p = random_first_block(random);
    return {to_string(p), op.supports(p),
            [&op, p](Trial& trial, Data data, Judge& judge) { check_backward(op, p, trial, data, judge); }};
  };
  constexpr Data kinds[] = {Data::real, Data::integer};
  return sweep("first_block backward", count, kTries * count, draw, kinds);
}

}  // namespace gabor::op_tests
