#include "kernels/pool2d/pool2d.h"

#include "kernels/judge.h"
#include "kernels/problem_count.h"

namespace gabor::kernels {
namespace {

using namespace kernel_tests;
using gabor::gamma;
using gabor::sum_budget;
using simt::DeviceArray;

constexpr PoolKind kKinds[] = {PoolKind::max, PoolKind::average, PoolKind::l2};
constexpr const char* kRungs[] = {"automatic", "naive", "vector", "global"};

std::string text_of(const Pool2dProblem& p, PoolRung rung) {
  std::string s = std::string(kRungs[int(rung)]) + " kind=" + std::to_string(int(p.kind));
  for (int64_t v : {p.N, p.H, p.W, p.C, p.R, p.S, p.pad.top, p.pad.bottom, p.pad.left, p.pad.right,
                    p.stride_h, p.stride_w, int64_t(p.ceil), int64_t(p.relu)})
    s += " " + std::to_string(v);
  return s;
}

// Calls visit(out, in, tap) for each pair of an output and one of the inputs in its window, and size(out) has the
// number of them: the definition of core/problem/pool2d.h, written once for both passes.
template <class Visit>
std::vector<int> for_windows(const Pool2dProblem& p, Visit&& visit) {
  std::vector<int> size;
  for (int64_t n = 0; n < p.N; ++n)
    for (int64_t i = 0; i < p.P(); ++i)
      for (int64_t j = 0; j < p.Q(); ++j)
        for (int64_t c = 0; c < p.C; ++c) {
          size.push_back(0);
          for (int64_t r = 0; r < p.R; ++r)
            for (int64_t s = 0; s < p.S; ++s) {
              const int64_t h = i * p.stride_h - p.pad.top + r, w = j * p.stride_w - p.pad.left + s;
              if (h < 0 || h >= p.H || w < 0 || w >= p.W) continue;
              visit(size.size() - 1, size_t(((n * p.H + h) * p.W + w) * p.C + c), int(r * p.S + s));
              ++size.back();
            }
        }
  return size;
}

template <class Element>
struct ForwardOracle {
  ForwardOracle(const Pool2dProblem& p, const std::vector<double>& x) {
    const size_t outputs = size_t(p.N * p.P() * p.Q() * p.C);
    std::vector<double> best(outputs), sum(outputs), magnitude(outputs);
    winner.assign(outputs, -1);
    const std::vector<int> size = for_windows(p, [&](size_t out, size_t in, int tap) {
      const double v = x[in];
      if (winner[out] < 0 || v > best[out] || (std::isnan(v) && !std::isnan(best[out])))
        best[out] = v, winner[out] = tap;
      sum[out] += p.kind == PoolKind::l2 ? v * v : v;
      magnitude[out] += p.kind == PoolKind::l2 ? v * v : std::fabs(v);
    });
    for (size_t out = 0; out < outputs; ++out) {
      const double n = size[out];
      double value = best[out], budget = 0;
      if (p.kind == PoolKind::average) {
        value = sum[out] / n;
        budget = sum_budget(n + 1, magnitude[out]) / n + FLT_MIN;
      } else if (p.kind == PoolKind::l2) {
        value = std::sqrt(sum[out]);
        // Half the relative error of the sum, and where squares are denormal in float, the root of what is lost.
        budget = magnitude[out] < 0.9 * FLT_MAX ? gamma(n + 3) * value + std::sqrt(n * FLT_MIN * gabor::kU)
                                                : std::numeric_limits<double>::infinity();
      }
      y.add(value, budget + storage_error<Element>(value));
    }
  }
  Expected y;
  std::vector<int> winner;
};

template <class Element>
Expected backward_oracle(const Pool2dProblem& p, const std::vector<double>& x, const std::vector<double>& y,
                         const std::vector<int>& winner, const std::vector<double>& dy,
                         const std::vector<double>& before) {
  std::vector<double> sum = before, magnitude(x.size()), terms(x.size());
  std::vector<double> quotient_error(x.size());  // x/y may be denormal in float
  for (size_t i = 0; i < x.size(); ++i) magnitude[i] = std::fabs(before[i]);
  const std::vector<int> size = for_windows(p, [](size_t, size_t, int) {});
  for_windows(p, [&](size_t out, size_t in, int tap) {
    double share = 0;
    if (p.kind == PoolKind::max) share = tap == winner[out] ? dy[out] * (p.relu && y[out] <= 0 ? 0 : 1) : 0;
    if (p.kind == PoolKind::average) share = dy[out] / size[out];
    if (p.kind == PoolKind::l2 && y[out] != 0) {
      share = dy[out] * x[in] / y[out];
      quotient_error[in] += std::fabs(dy[out]) * FLT_MIN * 2 * gabor::kU;
    }
    sum[in] += share;
    magnitude[in] += std::fabs(share);
    terms[in] += 1;
  });
  Expected dx;
  for (size_t i = 0; i < x.size(); ++i)
    dx.add(sum[i],
           sum_budget(terms[i] + 3, magnitude[i]) + quotient_error[i] + storage_error<Element>(sum[i]));
  return dx;
}

enum class Data { real, ties, integer, special };

std::vector<float> values(Rng& rng, size_t count, Data data) {
  std::vector<float> out;
  for (size_t i = 0; i < count; ++i) {
    float v = uniform(rng, -2, 2);
    if (data == Data::ties) v = float(below(rng, 3) - 1);
    if (data == Data::integer) v = float(below(rng, 17) - 8);
    if (data == Data::special && below(rng, 6) == 0)
      v = std::vector<float>{NAN, INFINITY, -INFINITY, -0.0f, 1e-42f, 1e37f}[size_t(below(rng, 6))];
    out.push_back(v);
  }
  return out;
}

template <class Tap>
std::vector<int> taps(const DeviceArray<Tap>& argmax) {
  const std::vector<Tap> v = argmax.values();
  return {v.begin(), v.end()};
}

// Forward, then backward from its results. Exact kinds of data leave no budget.
template <class Element, class Tap>
void check(const Pool2dProblem& p, PoolRung rung, Rng& rng, Data data) {
  SCOPED_TRACE(text_of(p, rung));
  const size_t inputs = size_t(p.N * p.H * p.W * p.C), outputs = size_t(p.N * p.P() * p.Q() * p.C);
  const std::vector<Element> x_host = stored<Element>(values(rng, inputs, data));
  const std::vector<double> x_wide = widened(x_host);
  const ForwardOracle<Element> want(p, x_wide);
  DeviceArray<Element> x(x_host, "x"), y(outputs, "y");
  DeviceArray<Tap> argmax(outputs, "argmax");
  const bool is_max = p.kind == PoolKind::max;
  const bool with_argmax = is_max && below(rng, 4) != 0;
  pool2d_forward(p, x.data(), y.data(), with_argmax ? argmax.data() : nullptr, nullptr, rung);
  const std::vector<Element> y_host = y.values();
  expect_within(y_host, want.y, "y");
  if (with_argmax) {
    EXPECT_EQ(taps(argmax), want.winner);
  }

  const std::vector<Element> dy_host = stored<Element>(values(rng, outputs, data));
  const bool accumulate = below(rng, 2) == 0;
  const std::vector<Element> before = stored<Element>(values(rng, inputs, data));
  std::vector<double> before_wide = widened(before);
  if (!accumulate) before_wide.assign(inputs, 0.0);
  DeviceArray<Element> dy(dy_host, "dy"), dx(inputs, "dx"), dx_before(before, "dx");
  const bool l2 = p.kind == PoolKind::l2;
  DeviceArray<Tap> winners(std::vector<Tap>(want.winner.begin(), want.winner.end()), "winners");
  Element* to = accumulate ? dx_before.data() : dx.data();
  pool2d_backward(p, l2 ? x.data() : nullptr, p.needs_y() ? y.data() : nullptr,
                  is_max ? winners.data() : nullptr, dy.data(), to, accumulate, nullptr, rung);
  Expected want_dx =
      backward_oracle<Element>(p, x_wide, widened(y_host), want.winner, widened(dy_host), before_wide);
  const bool exact = is_max && (data == Data::integer || data == Data::ties);
  if (exact) want_dx.budget.assign(inputs, 0.0);
  expect_within(accumulate ? dx_before.values() : dx.values(), want_dx, "dx");
}

template <class Element>
void check(const Pool2dProblem& p, PoolRung rung, Rng& rng, Data data) {
  if (p.argmax_dtype() == DType::u8) return check<Element, uint8_t>(p, rung, rng, data);
  check<Element, int32_t>(p, rung, rng, data);
}

Pool2dProblem random_problem(Rng& rng, int index) {
  constexpr int kChannels[] = {1, 2, 3, 4, 5, 7, 8, 10, 12};
  Pool2dProblem p;
  p.kind = kKinds[index % 3];
  p.N = between(rng, 1, 2), p.H = between(rng, 1, 8), p.W = between(rng, 1, 8);
  p.C = kChannels[below(rng, 9)];
  p.stride_h = between(rng, 1, 3), p.stride_w = between(rng, 1, 3);
  do {
    p.R = between(rng, 1, 4), p.S = between(rng, 1, 4);
    p.pad = {below(rng, int(p.R)), below(rng, int(p.R)), below(rng, int(p.S)), below(rng, int(p.S))};
  } while (p.H + p.pad.top + p.pad.bottom < p.R || p.W + p.pad.left + p.pad.right < p.S);
  p.ceil = below(rng, 3) == 0;
  p.relu = p.kind == PoolKind::max && below(rng, 2) == 0;
  return p;
}

constexpr Data kData[] = {Data::real, Data::ties, Data::integer, Data::special};
constexpr int kShapes = 510;

Pool2dProblem random_global(Rng& rng, int index) {
  constexpr int kChannels[] = {1, 3, 4, 31, 32, 33, 40};
  Pool2dProblem p;
  p.kind = kKinds[index % 3];
  p.N = between(rng, 1, 2), p.H = p.R = between(rng, 1, 7), p.W = p.S = between(rng, 1, 7);
  p.C = kChannels[below(rng, 7)];
  p.relu = p.kind == PoolKind::max && below(rng, 2) == 0;
  return p;
}

void report(const std::string& rung, int drawn) {
  for (const char* pass : {"forward", "backward"}) report_problems("pool2d " + rung + " " + pass, drawn);
}

TEST(Pool2dKernels, RandomShapesNaive) {
  Rng rng(100 + seed_of_this_run());
  for (int i = 0; i < kShapes; ++i)
    check<float>(random_problem(rng, i), PoolRung::naive, rng, kData[i / 3 % 4]);
  report("naive", kShapes);
}

TEST(Pool2dKernels, RandomShapesVector) {
  Rng rng(200 + seed_of_this_run());
  for (int i = 0; i < kShapes; ++i) {
    Pool2dProblem p = random_problem(rng, i);
    if (i % 2 == 0) p.C = 4 * between(rng, 1, 3);  // packs; the others take the channels one by one
    check<float>(p, PoolRung::vector, rng, kData[i / 3 % 4]);
  }
  report("vector", kShapes);
}

TEST(Pool2dKernels, RandomShapesGlobal) {
  Rng rng(300 + seed_of_this_run());
  for (int i = 0; i < kShapes; ++i)
    check<float>(random_global(rng, i), PoolRung::global, rng, kData[i / 3 % 4]);
  report("global", kShapes);
}

TEST(Pool2dKernels, RandomShapesByAutomaticChoice) {
  Rng rng(400 + seed_of_this_run());
  for (int i = 0; i < 120; ++i)
    check<float>(i % 2 == 0 ? random_global(rng, i) : random_problem(rng, i), PoolRung::automatic, rng,
                 kData[i / 3 % 4]);
}

TEST(Pool2dKernels, StorageInHalves) {
  Rng rng(500 + seed_of_this_run());
  constexpr Data kFinite[] = {Data::real, Data::ties, Data::integer};
  constexpr PoolRung kOfHalves[] = {PoolRung::naive, PoolRung::vector, PoolRung::global};
  constexpr int kEach = 90;
  for (int i = 0; i < 3 * kEach; ++i) {
    const PoolRung rung = kOfHalves[i % 3];
    Pool2dProblem p = rung == PoolRung::global ? random_global(rng, i / 3) : random_problem(rng, i / 3);
    if (rung == PoolRung::vector) p.C = 4 * between(rng, 1, 3);
    check<simt::half>(p, rung, rng, kFinite[i / 9 % 3]);
    check<simt::bfloat16>(p, rung, rng, kFinite[i / 9 % 3]);
  }
  for (const PoolRung rung : kOfHalves)
    for (const char* storage : {" f16", " bf16"}) report(kRungs[int(rung)] + std::string(storage), kEach);
}

// A window of more than 256 taps: int32_t in argmax. 20 rows and a stride of 1: windows overlap a lot.
TEST(Pool2dKernels, WideArgmax) {
  Rng rng(5);
  for (PoolRung rung : {PoolRung::naive, PoolRung::vector, PoolRung::global}) {
    const bool global = rung == PoolRung::global;
    for (int64_t C : {3, 4}) {
      Pool2dProblem p{.kind = PoolKind::max, .N = 1, .H = 20, .W = 18, .C = C, .R = 17, .S = 16, .pad = {}};
      if (global) p.R = p.H, p.S = p.W;
      p.stride_h = p.stride_w = 1;
      p.relu = C == 4;
      check<float>(p, rung, rng, Data::ties);
    }
  }
}

// The article's pooling: 2x2 at stride 2, an odd extent whose last row and column no window reads.
TEST(Pool2dKernels, UnreadBorderHasNoGradient) {
  Rng rng(6);
  for (PoolRung rung : {PoolRung::naive, PoolRung::vector})
    for (PoolKind kind : kKinds)
      check<float>({.kind = kind, .N = 2, .H = 7, .W = 9, .C = 10, .pad = {}}, rung, rng, Data::integer);
}

TEST(Pool2dKernels, RungsAgreeBitForBit) {
  Rng rng(7);
  const Pool2dProblem p{.kind = PoolKind::average, .N = 2, .H = 9, .W = 8, .C = 8, .R = 3, .S = 3, .pad = {}};
  const std::vector<float> x_host = values(rng, size_t(2 * 9 * 8 * 8), Data::real);
  DeviceArray<float> x(x_host, "x"), a(size_t(p.N * p.P() * p.Q() * p.C), "a"), b(a.size(), "b");
  pool2d_forward<float>(p, x.data(), a.data(), nullptr, nullptr, PoolRung::naive);
  pool2d_forward<float>(p, x.data(), b.data(), nullptr, nullptr, PoolRung::vector);
  EXPECT_EQ(a.values(), b.values());
}

TEST(Pool2dKernels, RefusesARungThatDoesNotTakeIt) {
  DeviceArray<float> x(64, "x"), y(64, "y");
  const Pool2dProblem p{.kind = PoolKind::max, .N = 1, .H = 8, .W = 8, .C = 1, .pad = {}};
  EXPECT_THROW(pool2d_forward<float>(p, x.data(), y.data(), nullptr, nullptr, PoolRung::global), simt::Error);
  EXPECT_THROW(pool2d_backward<float>(p, nullptr, nullptr, nullptr, y.data(), x.data(), false, nullptr,
                                      PoolRung::global),
               simt::Error);
}

TEST(Pool2dKernels, ComparisonRejectsZeros) {
  Expected want;
  want.add(1.0, 1e-6);
  EXPECT_GT(worst(std::vector<float>{0.0f}, want), 1.0);
  EXPECT_GT(worst(std::vector<float>{NAN}, want), 1.0);
  EXPECT_LE(worst(std::vector<float>{1.0f}, want), 1.0);
}

}  // namespace
}  // namespace gabor::kernels
