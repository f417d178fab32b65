// The fused first block's CPU kernels against double precision, on every instruction set this machine has.
#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "backends/cpu/first_block/geometry.h"
#include "backends/cpu/first_block/kernels.h"
#include "backends/cpu/first_block_oracle.h"
#include "core/parallel.h"

namespace gabor {
namespace {

namespace fb = cpu::first_block;
using test::FirstBlockData;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr size_t kGuard = 256;  // bytes before and after every output

// An output between guards, all filled with one byte; aligned to 64.
template <class T>
class Guarded {
 public:
  explicit Guarded(size_t count, int alignment_off = 0)
      : count_(count), bytes_(count * sizeof(T) + 2 * kGuard + 128, 0xA5) {
    const size_t at = reinterpret_cast<uintptr_t>(bytes_.data()) + kGuard;
    begin_ = (at + 63) / 64 * 64 - (at - kGuard) + size_t(alignment_off);
  }
  T* data() { return reinterpret_cast<T*>(bytes_.data() + begin_); }
  bool intact() const {
    const auto is_fill = [](uint8_t b) { return b == 0xA5; };
    return std::all_of(bytes_.begin(), bytes_.begin() + begin_, is_fill) &&
           std::all_of(bytes_.begin() + begin_ + count_ * sizeof(T), bytes_.end(), is_fill);
  }
  std::vector<T> values() { return std::vector<T>(data(), data() + count_); }

 private:
  size_t count_, begin_ = 0;
  std::vector<uint8_t> bytes_;
};

struct Result {
  std::vector<float> y, dw, db;
  std::vector<uint8_t> codes;  // by n,p,q,k
};

std::vector<uint8_t> codes_of(const FirstBlockProblem& problem, const uint8_t* argmax) {
  const fb::Geometry g(problem);
  std::vector<uint8_t> codes;
  for (int64_t n = 0; n < g.N; n++)
    for (int64_t p = 0; p < g.P; p++)
      for (int64_t q = 0; q < g.Q; q++)
        for (int64_t k = 0; k < g.K; k++)
          codes.push_back(argmax[n * g.argmax_bytes() + (k * g.P + p) * g.pitch + q]);
  return codes;
}

Result run(const FirstBlockData& data, int threads = 1, bool accumulate = false) {
  const auto& p = data.problem;
  std::string reason;
  EXPECT_TRUE(fb::supported(p, reason)) << reason;
  Guarded<float> y(data.dy.size(), 4), dw(data.w.size(), 4),
      db(size_t(p.conv.K), 4);  // float aligned, not more
  Guarded<uint8_t> argmax(size_t(p.conv.N) * fb::argmax_bytes(p));
  const size_t bytes = fb::workspace_bytes(p, threads);
  Guarded<uint8_t> workspace(bytes);
  const float* b = data.b.empty() ? nullptr : data.b.data();
  fb::forward(p, data.x(), data.w.data(), b, y.data(), argmax.data(), workspace.data(), threads);
  std::fill_n(dw.data(), data.w.size(), accumulate ? 1.0f : kNaN);
  std::fill_n(db.data(), p.conv.K, accumulate ? 1.0f : kNaN);
  std::memset(workspace.data(), 0xFF, bytes);  // NaN: nothing of the forward may be relied on
  fb::backward(p, data.x(), argmax.data(), data.dy.data(), dw.data(), db.data(), accumulate, workspace.data(),
               threads);
  EXPECT_TRUE(y.intact() && dw.intact() && db.intact() && argmax.intact() && workspace.intact())
      << to_string(p);
  return {y.values(), dw.values(), db.values(), codes_of(p, argmax.data())};
}

// Checks y, the winners and the gradients; exact: bit for bit. Returns the worst error as a part of its
// budget.
double check(const FirstBlockData& data, const Result& result, bool exact) {
  const auto& p = data.problem;
  const int64_t K = p.conv.K, P = p.pool.P(), Q = p.pool.Q();
  double worst = 0;
  int failures = 0;
  const auto compare = [&](double value, const test::Budgeted& want, const char* what, int64_t i) {
    const double error = std::fabs(value - want.value), budget = exact ? 0 : want.budget;
    if (budget > 0) worst = std::max(worst, error / budget);
    if (!(error <= budget) && ++failures < 5)
      ADD_FAILURE() << what << "[" << i << "] = " << value << ", expected " << want.value << " +- " << budget
                    << " in " << to_string(p);
  };
  for (int64_t i = 0; i < int64_t(result.y.size()); i++) {
    const int64_t k = i % K, q = i / K % Q, pp = i / K / Q % P, n = i / K / Q / P;
    test::Budgeted window[4], best{-1e300, 0};
    int first = 0;
    for (int j = 0; j < 4; j++) {
      window[j] = test::convolve_at(data, n, 2 * pp + j / 2, 2 * q + j % 2, k);
      if (window[j].value > best.value) best.value = window[j].value, first = j;
      best.budget = std::max(best.budget, window[j].budget);
    }
    const int code = result.codes[i];
    compare(result.y[i], {std::max(best.value, 0.0), best.budget}, "y", i);
    const double slack = exact ? 0 : 2 * best.budget;
    bool right = code == 4 ? best.value <= slack && result.y[i] == 0
                           : code < 4 && best.value > -slack && window[code].value >= best.value - slack &&
                                 result.y[i] > 0;
    if (exact) right = code == (best.value > 0 ? first : 4);
    if (!right && ++failures < 5) ADD_FAILURE() << "winner " << code << " at " << i << " of " << to_string(p);
  }
  const auto want = test::gradients(data, result.codes);
  for (size_t i = 0; i < want.dw.size(); i++) compare(result.dw[i], want.dw[i], "dw", int64_t(i));
  for (size_t i = 0; i < want.db.size(); i++) compare(result.db[i], want.db[i], "db", int64_t(i));
  EXPECT_EQ(failures, 0) << to_string(p);
  return worst;
}

FirstBlockProblem random_problem(Random& random) {
  for (;;) {
    Conv2dProblem c;
    c.N = 1 + random.below(3), c.H = 1 + random.below(40), c.W = 1 + random.below(75),
    c.C = 1 + random.below(4);
    c.K = 1 + random.below(10), c.R = 1 + random.below(7), c.S = 1 + random.below(7);
    if (random.below(4) == 0) c.K = 11 + random.below(23), c.H = std::min<int64_t>(c.H, 14);
    if (random.below(2)) c.pad = {random.below(4), random.below(4), random.below(4), random.below(4)};
    if (c.P() >= 2 && c.Q() >= 2) return test::first_block(c, random.below(2) ? DType::u8 : DType::f32);
  }
}

// What random shapes rarely meet: several blocks of rows, many tiles, long window rows, large kernels and
// padding.
std::vector<FirstBlockProblem> special_problems() {
  std::vector<FirstBlockProblem> list;
  for (const char* line : {"N=1 H=24 W=1500 C=3 K=2 R=3 S=3", "N=1 H=23 W=2001 C=4 K=1 R=4 S=2 pad=1,2,3,0",
                           "N=2 H=9 W=2 C=1 K=5 R=2 S=1", "N=2 H=28 W=28 C=1 K=6 R=5 S=5 pad=2,2",
                           "N=1 H=40 W=66 C=3 K=10 R=5 S=5", "N=1 H=20 W=21 C=4 K=3 R=11 S=11 pad=5,5",
                           "N=1 H=2 W=2 C=2 K=2 R=1 S=1", "N=1 H=3 W=3 C=3 K=4 R=7 S=7 pad=6,6",
                           "N=70 H=4 W=5 C=1 K=2 R=3 S=3 pad=1,1", "N=1 H=8 W=9 C=3 K=67 R=3 S=3 pad=1,1",
                           "N=1 H=5 W=4 C=1 K=3 R=2 S=2 pad=9,0,11,7"})
    for (DType type : {DType::u8, DType::f32}) list.push_back(test::first_block(parse_conv2d(line), type));
  return list;
}

class FirstBlockKernels : public testing::TestWithParam<int64_t> {
 protected:
  void SetUp() override { hwy::SetSupportedTargetsForTest(GetParam()); }
  void TearDown() override { hwy::SetSupportedTargetsForTest(0); }
};

TEST_P(FirstBlockKernels, RandomShapesWithinBudget) {
  Random random({20240607, Purpose::test});
  double worst = 0;
  size_t live = 0, dead = 0;
  for (int i = 0; i < 320; i++) {
    const auto data = test::random_data(random_problem(random), uint64_t(i), false, i % 5 != 0);
    const Result result = run(data);
    worst = std::max(worst, check(data, result, false));
    for (uint8_t code : result.codes) (code == 4 ? dead : live)++;
  }
  EXPECT_GT(live, 10000u);
  EXPECT_GT(dead, 1000u);
  RecordProperty("worst_part_of_budget", std::to_string(worst));
}

TEST_P(FirstBlockKernels, SpecialShapesWithinBudget) {
  for (const auto& p : special_problems()) {
    const auto data = test::random_data(p, 5, false);
    check(data, run(data), false);
  }
}

TEST_P(FirstBlockKernels, WholeNumbersAreExactAndTiesGoToTheFirst) {
  Random random({77, Purpose::test});
  for (int i = 0; i < 60; i++) {
    const auto data = test::random_data(random_problem(random), uint64_t(i), true, i % 3 != 0);
    check(data, run(data), true);
  }
}

TEST_P(FirstBlockKernels, BitsDoNotDependOnTheThreads) {
  const int before = max_threads();
  set_max_threads(7);
  auto problems = special_problems();
  Random random({78, Purpose::test});
  for (int i = 0; i < 20; i++) problems.push_back(random_problem(random));
  for (const auto& p : problems) {
    const auto data = test::random_data(p, 9, false);
    const Result one = run(data, 1);
    for (int threads : {2, 3, 7}) {
      const Result many = run(data, threads);
      EXPECT_EQ(one.codes, many.codes) << to_string(p);
      for (auto [a, b] : {std::pair{&one.y, &many.y}, {&one.dw, &many.dw}, {&one.db, &many.db}})
        EXPECT_EQ(0, std::memcmp(a->data(), b->data(), a->size() * sizeof(float)))
            << threads << " " << to_string(p);
    }
  }
  set_max_threads(before);
}

TEST_P(FirstBlockKernels, AccumulateAddsToWhatIsThere) {
  const auto data = test::random_data(special_problems()[9], 3, true);
  const Result fresh = run(data), added = run(data, 1, true);
  for (size_t i = 0; i < fresh.dw.size(); i++) EXPECT_EQ(added.dw[i], fresh.dw[i] + 1);
  for (size_t i = 0; i < fresh.db.size(); i++) EXPECT_EQ(added.db[i], fresh.db[i] + 1);
}

TEST_P(FirstBlockKernels, NaNIsNeverHidden) {
  const auto problem = test::first_block(parse_conv2d("N=2 H=20 W=44 C=3 K=7 R=3 S=4 pad=1,1"), DType::f32);
  auto data = test::random_data(problem, 4, false);
  const Result clean = run(data);
  for (auto& b : data.b) b = -50;  // the other three of a window are dead: NaN must win against that too
  const int64_t n = 1, h = 10, w = 21;
  data.x_f32[((n * 20 + h) * 44 + w) * 3 + 1] = kNaN;
  const Result broken = run(data);
  const auto& c = problem.conv;
  const int64_t P = problem.pool.P(), Q = problem.pool.Q();
  int seen = 0;
  for (int64_t i = 0; i < int64_t(broken.y.size()); i++) {
    const int64_t q = i / c.K % Q, p = i / c.K / Q % P;
    int first = 4;
    for (int j = 3; j >= 0; j--) {
      const int64_t r = h + c.pad.top - (2 * p + j / 2), s = w + c.pad.left - (2 * q + j % 2);
      if (i / c.K / Q / P == n && r >= 0 && r < c.R && s >= 0 && s < c.S) first = j;
    }
    EXPECT_EQ(std::isnan(broken.y[i]), first != 4) << i;
    EXPECT_EQ(broken.codes[i], first) << i;
    seen += first != 4;
  }
  EXPECT_EQ(seen, 2 * 3 * 7);  // 2x3 or 3x2 windows touch the pixel
  EXPECT_TRUE(std::any_of(broken.dw.begin(), broken.dw.end(), [](float v) { return std::isnan(v); }));

  data = test::random_data(problem, 4, false);
  data.w[5 * c.R * c.S * c.C + 7] = kNaN;
  const Result filter = run(data);
  for (size_t i = 0; i < filter.y.size(); i++) {
    if (i % 7 == 5)
      EXPECT_TRUE(std::isnan(filter.y[i]) && filter.codes[i] == 0);
    else
      EXPECT_EQ(filter.y[i], clean.y[i]);
  }
}

TEST_P(FirstBlockKernels, DeadPlacesPassNothing) {
  for (DType type : {DType::u8, DType::f32}) {
    auto data =
        test::random_data(test::first_block(parse_conv2d("N=2 H=19 W=50 C=2 K=5 R=3 S=3"), type), 6, false);
    for (auto& b : data.b) b = -1e6f;
    for (auto& g : data.dy) g = kNaN;
    const Result result = run(data);
    for (float y : result.y) EXPECT_TRUE(y == 0 && !std::signbit(y));
    for (uint8_t code : result.codes) EXPECT_EQ(code, 4);
    for (float v : result.dw) EXPECT_EQ(v, 0);
    for (float v : result.db) EXPECT_EQ(v, 0);
  }
}

TEST_P(FirstBlockKernels, ArgmaxAndBiasGradientAreOptional) {
  const auto data = test::random_data(special_problems()[8], 8, false);
  const auto& p = data.problem;
  const Result whole = run(data);
  Guarded<uint8_t> workspace(fb::workspace_bytes(p, 1)), argmax(size_t(p.conv.N) * fb::argmax_bytes(p));
  std::vector<float> y(data.dy.size(), kNaN), dw(data.w.size(), kNaN);
  fb::forward(p, data.x(), data.w.data(), data.b.data(), y.data(), nullptr, workspace.data(), 1);
  EXPECT_EQ(y, whole.y);
  fb::forward(p, data.x(), data.w.data(), data.b.data(), y.data(), argmax.data(), workspace.data(), 1);
  fb::backward(p, data.x(), argmax.data(), data.dy.data(), dw.data(), nullptr, false, workspace.data(), 1);
  EXPECT_EQ(dw, whole.dw);
}

std::string target_name(const testing::TestParamInfo<int64_t>& info) {
  std::string name = hwy::TargetName(info.param);
  std::erase_if(name, [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); });
  return name;
}

std::vector<int64_t> targets() {
  hwy::SetSupportedTargetsForTest(0);
  std::vector<int64_t> list;
  // What the library has code for (its build leaves out a few of Highway's) and this CPU can run.
  for (int64_t t : fb::compiled_targets())
    if (t & hwy::SupportedTargets()) list.push_back(t);
  return list;
}

INSTANTIATE_TEST_SUITE_P(Target, FirstBlockKernels, testing::ValuesIn(targets()), target_name);

TEST(FirstBlock, RefusesWithTheReason) {
  const auto good = test::first_block(parse_conv2d("N=2 H=20 W=20 C=3 K=4 R=5 S=5"), DType::u8);
  std::string reason;
  EXPECT_TRUE(fb::supported(good, reason));
  const auto refused = [&](auto&& change, const char* word) {
    auto p = good;
    change(p);
    reason.clear();
    EXPECT_FALSE(fb::supported(p, reason)) << word;
    EXPECT_NE(reason.find(word), std::string::npos) << reason;
  };
  refused([](auto& p) { p.conv.stride_w = 2; }, "stride 1");
  refused([](auto& p) { p.conv.dil_h = 2; }, "no dilation");
  refused([](auto& p) { p.conv.C = 5; }, "5 input channels");
  refused([](auto& p) { p.conv.groups = 3; }, "one group");
  refused([](auto& p) { p.conv.R = 12; }, "12x5 kernel");
  refused([](auto& p) { p.conv.activation.kind = ActivationKind::tanh; }, "tanh");
  refused([](auto& p) { p.pool.kind = PoolKind::average; }, "max pooling");
  refused([](auto& p) { p.pool.R = 3; }, "2x2");
  refused([](auto& p) { p.pool.pad.left = 1; }, "no padding");
  refused([](auto& p) { p.pool.H++; }, "not the convolution's output");
  refused([](auto& p) { p.conv.H++, p.pool.H++, p.pool.ceil = true; }, "partial");
  refused([](auto& p) { p.conv.H = 5, p.pool.H = 1; }, "empty");
}

}  // namespace
}  // namespace gabor
