#include "kernels/optimizer/optimizer.h"

#include "kernels/judge.h"
#include "kernels/problem_count.h"

namespace gabor::kernels {
namespace {

using namespace kernel_tests;
using gabor::gamma;
using gabor::sum_budget;
using simt::DeviceArray;

struct State {
  double w, g, m, v;
};

// An update: what is the same in all of a run, and what is not.
struct Update {
  OptimizerParams params;
  float lr = 0.25f;
  int64_t t = 1;
  float unscale = 1;
  // As ops/optimizer.h has them.
  UpdateValues values() const {
    const double root2 = std::sqrt(1 - std::pow(double(params.beta2), double(t)));
    return {.t = t,
            .lr = lr,
            .adam_rate = float(lr * root2 / (1 - std::pow(double(params.beta1), double(t)))),
            .adam_epsilon = float(params.epsilon * root2),
            .unscale = unscale};
  }
};

// The formulas of ops/optimizer.h in double: m^ and v^ as the paper has them, not the kernel's folded constants.
State stepped(const Update& u, double wd, State s) {
  const OptimizerParams& p = u.params;
  const double lr = u.lr, mu = p.momentum, b1 = p.beta1, b2 = p.beta2, t = double(u.t);
  s.g *= u.unscale;
  if (p.rule == OptimizerRule::adamw) s.w -= lr * wd * s.w;
  if (p.rule != OptimizerRule::adamw) s.g += wd * s.w;
  if (p.rule == OptimizerRule::sgd) {
    s.w -= lr * s.g;
  } else if (p.rule == OptimizerRule::momentum || p.rule == OptimizerRule::nesterov) {
    s.m = mu * s.m + s.g;
    s.w -= lr * (p.rule == OptimizerRule::momentum ? s.m : s.g + mu * s.m);
  } else {
    s.m = b1 * s.m + (1 - b1) * s.g;
    s.v = b2 * s.v + (1 - b2) * s.g * s.g;
    const double m_hat = s.m / (1 - std::pow(b1, t)), v_hat = s.v / (1 - std::pow(b2, t));
    s.w -= lr * m_hat / (std::sqrt(v_hat) + double(p.epsilon));
  }
  return s;
}

// How far w, m and v may be off in float, for a parameter that was at s and goes to `after`.
State budget_of(const Update& u, double wd, const State& s, const State& after) {
  const OptimizerParams& p = u.params;
  const double lr = u.lr, mu = p.momentum, b1 = p.beta1, b2 = p.beta2, t = double(u.t), w = std::fabs(s.w);
  const double g = std::fabs(u.unscale * s.g) + (p.rule == OptimizerRule::adamw ? 0 : wd * w);
  if (p.rule == OptimizerRule::sgd) return {sum_budget(3, w + lr * g), 0, 0, 0};
  if (p.rule == OptimizerRule::momentum || p.rule == OptimizerRule::nesterov) {
    const double m = mu * std::fabs(s.m) + g, moved = p.rule == OptimizerRule::momentum ? m : g + mu * m;
    return {sum_budget(6, w + lr * moved), 0, sum_budget(4, m), 0};
  }
  const double m_error = sum_budget(5, b1 * std::fabs(s.m) + (1 - b1) * g);
  const double v_error = sum_budget(7, b2 * s.v + (1 - b2) * g * g);
  const double root2 = std::sqrt(1 - std::pow(b2, t)), c = lr * root2 / (1 - std::pow(b1, t));
  const double eps = double(p.epsilon) * root2, root = std::sqrt(after.v);
  const double root_error =
      std::max(std::sqrt(after.v + v_error) - root, root - std::sqrt(std::max(0.0, after.v - v_error)));
  const double least = std::max(root - root_error, 0.0) + eps, moved = c * std::fabs(after.m) / (root + eps);
  return {sum_budget(4, w * (1 + lr * wd) + moved) + c * m_error / least +
              moved * (root_error / least + gamma(8)),
          0, m_error, v_error};
}

std::vector<float> values(Rng& rng, size_t count, bool square) {
  std::vector<float> out;
  for (size_t i = 0; i < count; ++i) {
    const float v = uniform(rng, -1, 1);
    out.push_back(square ? v * v : v);
  }
  return out;
}

// Segments with gaps, some of them empty.
std::vector<OptimizerSegment> random_segments(Rng& rng, int count) {
  std::vector<OptimizerSegment> segments;
  for (int offset = below(rng, 3); offset < count;) {
    const int longest = below(rng, 8) == 0 ? 2500 : 40;
    const int n = std::min(below(rng, 9) == 0 ? 0 : between(rng, 1, longest), count - offset);
    segments.push_back({offset, n, below(rng, 2) == 0});
    offset += n + between(rng, n == 0, 9);
  }
  return segments;
}

std::vector<int32_t> block_starts(const std::vector<OptimizerSegment>& segments) {
  std::vector<int32_t> starts{0};
  for (const OptimizerSegment& s : segments)
    starts.push_back(starts.back() + int32_t(optimizer_blocks(s.count)));
  return starts;
}

Update random_update(Rng& rng, int index) {
  Update u;
  OptimizerParams& p = u.params;
  p.rule = OptimizerRule(index % 5);
  if (below(rng, 2) == 0) p.weight_decay = uniform(rng, 0, 0.1f);
  if (below(rng, 3) == 0) p.momentum = 0.5f, p.beta1 = 0.8f, p.beta2 = 0.99f, p.epsilon = 1e-8f;
  u.lr = below(rng, 2) == 0 ? 0.001f : uniform(rng, 0, 0.5f);
  constexpr int64_t kSteps[] = {1, 2, 3, 10, 1000, 1000000};
  u.t = kSteps[below(rng, 6)];
  if (below(rng, 2) == 0) u.unscale = std::ldexp(1.0f, -below(rng, 25));
  return u;
}

// False if the case has no parameters.
bool check(Rng& rng, int index) {
  const Update u = random_update(rng, index);
  const OptimizerParams& p = u.params;
  const int count = between(rng, 1, 200) + (index % 20 < 5 ? 3000 : 0);
  const std::vector<OptimizerSegment> segments = random_segments(rng, count);
  SCOPED_TRACE("case " + std::to_string(index) + " rule " + std::to_string(index % 5) + " count " +
               std::to_string(count) + " t " + std::to_string(u.t));
  if (segments.empty()) return false;
  const size_t size = size_t(count);
  const bool fresh = u.t == 1;
  const std::vector<float> w0 = values(rng, size, false);
  std::vector<float> g0 = values(rng, size, false);
  for (float& v : g0) v /= u.unscale;  // exact
  if (index % 7 == 0) g0[size_t(below(rng, count))] = NAN;
  const std::vector<float> m0 = fresh ? std::vector<float>(size, 0.0f) : values(rng, size, false);
  const std::vector<float> v0 = fresh ? std::vector<float>(size, 0.0f) : values(rng, size, true);
  const int moments = p.rule == OptimizerRule::sgd ? 0 : p.rule <= OptimizerRule::nesterov ? 1 : 2;

  DeviceArray<float> w(w0, "w"), g(g0, "g"), m(m0, "m"), v(v0, "v");
  DeviceArray<OptimizerSegment> device_segments(segments, "segments");
  const std::vector<int32_t> starts = block_starts(segments);
  DeviceArray<int32_t> device_starts(starts, "block_starts");
  DeviceArray<UpdateValues> device_values(std::vector<UpdateValues>{u.values()}, "values");
  optimizer_update(p, device_values.data(), device_segments.data(), device_starts.data(),
                   int32_t(segments.size()), starts.back(),
                   {w.data(), g.data(), moments >= 1 ? m.data() : nullptr, moments >= 2 ? v.data() : nullptr},
                   nullptr);

  Expected want_w, want_m, want_v;  // what lies in a gap: as it was
  for (size_t i = 0; i < size; ++i) want_w.add(w0[i], 0), want_m.add(m0[i], 0), want_v.add(v0[i], 0);
  for (const OptimizerSegment& s : segments)
    for (size_t i = size_t(s.offset); i < size_t(s.offset + s.count); ++i) {
      const double wd = s.decay ? double(p.weight_decay) : 0;
      const State before{w0[i], g0[i], m0[i], v0[i]}, after = stepped(u, wd, before);
      const State budget = budget_of(u, wd, before, after);
      want_w.value[i] = after.w, want_w.budget[i] = budget.w;
      want_m.value[i] = after.m, want_m.budget[i] = budget.m;
      want_v.value[i] = after.v, want_v.budget[i] = budget.v;
    }
  expect_within(w.values(), want_w, "w");
  expect_within(m.values(), want_m, "m");
  expect_within(v.values(), want_v, "v");
  return true;
}

TEST(OptimizerKernels, RandomArenas) {
  constexpr const char* kRules[] = {"sgd", "momentum", "nesterov", "adam", "adamw"};
  Rng rng(1 + seed_of_this_run());
  int drawn[5] = {};
  for (int i = 0; i < 2500; ++i) drawn[i % 5] += check(rng, i);
  for (int rule = 0; rule < 5; ++rule)
    report_problems(std::string("optimizer_update ") + kRules[rule], drawn[rule]);
}

// Where the gradients are known not to be numbers nothing moves; where they are, everything does.
TEST(OptimizerKernels, MovesNothingWhereGradientsAreNoNumbers) {
  const std::vector<OptimizerSegment> segments{{0, 2, true}};
  const auto run = [&](int32_t nonfinite) {
    const Update u{{.rule = OptimizerRule::adam}};
    DeviceArray<float> w(std::vector<float>{1, 2}, "w"), g(std::vector<float>{3, INFINITY}, "g"),
        m(std::vector<float>{4, 5}, "m"), v(std::vector<float>{6, 7}, "v");
    DeviceArray<OptimizerSegment> device_segments(segments, "segments");
    DeviceArray<int32_t> starts(block_starts(segments), "block_starts");
    DeviceArray<UpdateValues> device_values(std::vector<UpdateValues>{u.values()}, "values");
    DeviceArray<NormResult> norm(std::vector<NormResult>{{NAN, nonfinite}}, "norm");
    optimizer_update(u.params, device_values.data(), device_segments.data(), starts.data(), 1, 1,
                     {w.data(), g.data(), m.data(), v.data(), norm.data()}, nullptr);
    std::vector<float> all = w.values();
    for (const auto& more : {m.values(), v.values()}) all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  EXPECT_EQ(run(1), (std::vector<float>{1, 2, 4, 5, 6, 7}));
  const std::vector<float> moved = run(0);
  for (size_t i = 0; i < moved.size(); ++i) EXPECT_NE(moved[i], run(1)[i]) << i;
}

// Numbers for which every operation is exact: bit for bit.
TEST(OptimizerKernels, ExactSteps) {
  const std::vector<OptimizerSegment> segments{{1, 2, true}, {3, 1, false}};
  const auto run = [&](OptimizerRule rule) {
    const Update u{{.rule = rule, .momentum = 0.5f, .weight_decay = 0.5f}};
    DeviceArray<float> w(std::vector<float>{9, 4, -8, 4}, "w"), g(std::vector<float>{9, 2, 4, 2}, "g"),
        m(std::vector<float>{9, 8, 0, 8}, "m");
    DeviceArray<OptimizerSegment> device_segments(segments, "segments");
    DeviceArray<int32_t> starts(block_starts(segments), "block_starts");
    DeviceArray<UpdateValues> device_values(std::vector<UpdateValues>{u.values()}, "values");
    const bool sgd = rule == OptimizerRule::sgd;
    optimizer_update(u.params, device_values.data(), device_segments.data(), starts.data(), 2, 2,
                     {w.data(), g.data(), sgd ? nullptr : m.data(), nullptr}, nullptr);
    return w.values();
  };
  // g + wd w: 4, 0, and 2 where nothing decays. m: 4 + 4 = 8, 0, 4 + 2 = 6.
  EXPECT_EQ(run(OptimizerRule::sgd), (std::vector<float>{9, 3, -8, 3.5f}));
  EXPECT_EQ(run(OptimizerRule::momentum), (std::vector<float>{9, 2, -8, 2.5f}));
  EXPECT_EQ(run(OptimizerRule::nesterov), (std::vector<float>{9, 2, -8, 2.75f}));
}

}  // namespace
}  // namespace gabor::kernels
