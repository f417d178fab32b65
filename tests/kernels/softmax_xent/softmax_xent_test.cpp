#include "kernels/softmax_xent/softmax_xent.h"

#include "kernels/class_labels.h"
#include "kernels/judge.h"
#include "kernels/problem_count.h"

namespace gabor::kernels {
namespace {

using namespace kernel_tests;
using gabor::gamma;
using gabor::kExpUlps;
using gabor::kU;
using simt::DeviceArray;

// One row of logits in double, as ops/loss.h defines it.
struct Row {
  Row(const double* row, int64_t K) : y(row), K(K), max(*std::max_element(row, row + K)) {
    for (int64_t k = 0; k < K; ++k) sum += std::exp(y[k] - max);
    double spread = 0;  // mean of max - y under softmax
    for (int64_t k = 0; k < K; ++k) {
      const double gap = max - y[k];
      has_nan = has_nan || std::isnan(y[k]);
      if (std::exp(-gap) > 0) spread += std::exp(-gap) / sum * gap;
    }
    // Rounding of max - y, as a relative error of exp; exp's own error; the sum.
    sum_error = kU * (spread + kExpUlps + double(K));
  }
  bool right(int32_t label) const { return !has_nan && std::max_element(y, y + K) - y == label; }

  const double* y;
  int64_t K;
  double max, sum = 0, sum_error;
  bool has_nan = false;
};

struct Oracle {
  Oracle(const SoftmaxXentProblem& p, const std::vector<double>& y, const std::vector<int32_t>& labels) {
    double total = 0, magnitude = 0, error = 0;
    const double e = p.label_smoothing, share = e / double(p.K), scale = p.scale;
    for (int64_t n = 0; n < p.N; ++n) {
      const auto [label, other, w] = labels_of(labels, n, p.two_labels);
      if (label == -1) {
        for (int64_t k = 0; k < p.K; ++k) dy.add(0, 0);
        continue;
      }
      const Row row(y.data() + n * p.K, p.K);
      counts[0]++;
      counts[1] += row.right(label);
      error += row.sum_error + 4 * kU * std::log(row.sum);
      for (int64_t k = 0; k < p.K; ++k) {
        const double hot = (k == label ? w : 0) + (k == other ? 1 - w : 0), target = (1 - e) * hot + share;
        if (target != 0) total += target * (std::log(row.sum) + row.max - row.y[k]);
        if (target != 0) magnitude += target * (std::log(row.sum) + std::fabs(row.max) + std::fabs(row.y[k]));
        const double softmax = std::exp(row.y[k] - row.max) / row.sum;
        // A logit far below the largest has an exponential that may be 0 in float: its error stops growing there.
        const double own = std::min(row.max - row.y[k], 200.0) + kExpUlps + 2;
        dy.add(scale * (softmax - target),
               scale * (softmax * (kU * own + row.sum_error) + gamma(6) * (softmax + target)) + FLT_MIN);
      }
    }
    loss.add(total, error + gabor::sum_budget(double(p.K + counts[0]) + 7, magnitude));
  }
  Expected dy, loss;
  std::vector<int32_t> counts{0, 0};
};

enum class Data { real, ties, special };

template <class Element>
struct Case {
  SoftmaxXentProblem p;
  std::vector<Element> y;
  std::vector<int32_t> labels;
};

template <class Element>
Case<Element> random_case(Rng& rng, int64_t N, int64_t K, Data data) {
  Case<Element> c;
  c.p = {N, K, below(rng, 3) == 0 ? uniform(rng, 0.01f, 0.3f) : 0.0f, 1.0f / float(N)};
  const float spread = below(rng, 4) == 0 ? 60.0f : 5.0f;
  std::vector<float> y;
  for (int64_t i = 0; i < N * K; ++i) {
    y.push_back(data == Data::ties ? float(below(rng, 3)) : uniform(rng, -spread, spread));
    if (data == Data::special && below(rng, 12) == 0)
      y.back() = std::vector<float>{NAN, INFINITY, -INFINITY, 1e30f, -1e30f, 1e-42f}[size_t(below(rng, 6))];
  }
  c.y = stored<Element>(y);
  c.p.two_labels = below(rng, 2) == 0;
  c.labels = random_labels(rng, N, int(K), c.p.two_labels);
  return c;
}

struct Result {
  std::vector<float> loss;
  std::vector<int32_t> counts;
};

template <class Element>
Result run(const Case<Element>& c, SoftmaxXentRung rung, DeviceArray<Element>* dy) {
  DeviceArray<Element> y(c.y, "y");
  DeviceArray<int32_t> labels(c.labels, "labels"), counts(2, "counts");
  DeviceArray<float> loss(1, "loss");
  DeviceArray<float> workspace(softmax_xent_workspace_bytes(c.p) / sizeof(float), "workspace");
  DeviceArray<unsigned> counter(std::vector<unsigned>(1), "counter");
  softmax_xent(c.p, kStorageOf<Element>,
               {y.data(),
                labels.data(),
                dy == nullptr ? nullptr : dy->data(),
                loss.data(),
                counts.data(),
                {workspace.data(), counter.data()}},
               nullptr, rung);
  EXPECT_EQ(counter.values(), std::vector<unsigned>(1));
  return {loss.values(), counts.values()};
}

template <class Element>
void check(const Case<Element>& c, SoftmaxXentRung rung, bool with_gradient) {
  SCOPED_TRACE("rung " + std::to_string(int(rung)) + " N=" + std::to_string(c.p.N) +
               " K=" + std::to_string(c.p.K) + " smoothing=" + std::to_string(c.p.label_smoothing));
  Oracle want(c.p, widened(c.y), c.labels);
  for (size_t i = 0; i < want.dy.value.size(); ++i)
    want.dy.budget[i] += storage_error<Element>(want.dy.value[i]);
  DeviceArray<Element> dy(c.y.size(), "dy");
  const Result got = run(c, rung, with_gradient ? &dy : nullptr);
  expect_within(got.loss, want.loss, "loss");
  EXPECT_EQ(got.counts, want.counts);
  if (with_gradient) expect_within(dy.values(), want.dy, "dy");
}

constexpr Data kData[] = {Data::real, Data::ties, Data::special};
constexpr int kShapes = 510;

TEST(SoftmaxXentKernels, RandomShapesNaive) {
  Rng rng(100 + seed_of_this_run());
  for (int i = 0; i < kShapes; ++i)
    check(random_case<float>(rng, between(rng, 1, 40), between(rng, 1, 12), kData[i % 3]),
          SoftmaxXentRung::naive, i % 5 != 0);
  report_problems("softmax_xent naive f32", kShapes);
}

TEST(SoftmaxXentKernels, RandomShapesWarp) {
  Rng rng(200 + seed_of_this_run());
  constexpr int kClasses[] = {1, 2, 3, 10, 31, 32, 33, 63, 64, 65, 70};
  for (int i = 0; i < kShapes; ++i)
    check(random_case<float>(rng, between(rng, 1, 18), kClasses[below(rng, 11)], kData[i % 3]),
          i % 2 == 0 ? SoftmaxXentRung::warp : SoftmaxXentRung::automatic, i % 5 != 0);
  report_problems("softmax_xent warp f32", kShapes / 2);
}

TEST(SoftmaxXentKernels, StorageInHalves) {
  Rng rng(300 + seed_of_this_run());
  constexpr int kEach = 90;
  for (int i = 0; i < 2 * kEach; ++i) {
    const int64_t N = between(rng, 1, 12), K = between(rng, 1, 40);
    const SoftmaxXentRung rung = i % 2 == 0 ? SoftmaxXentRung::naive : SoftmaxXentRung::warp;
    check(random_case<simt::half>(rng, N, K, kData[i / 2 % 2]), rung, true);
    check(random_case<simt::bfloat16>(rng, N, K, kData[i / 2 % 2]), rung, true);
  }
  for (const char* rung : {"naive f16", "naive bf16", "warp f16", "warp bf16"})
    report_problems(std::string("softmax_xent ") + rung, kEach);
}

// Many blocks: stage 2 of the sums has more partial sums than threads.
TEST(SoftmaxXentKernels, ManyRows) {
  Rng rng(4);
  check(random_case<float>(rng, 8 * 256 + 9, 2, Data::real), SoftmaxXentRung::warp, true);
  check(random_case<float>(rng, 128 * 3 + 1, 3, Data::ties), SoftmaxXentRung::naive, true);
}

TEST(SoftmaxXentKernels, RowsThatDoNotCount) {
  for (SoftmaxXentRung rung : {SoftmaxXentRung::naive, SoftmaxXentRung::warp}) {
    Rng rng(5);
    Case<float> c = random_case<float>(rng, 9, 5, Data::real);
    c.p.two_labels = false;
    c.labels.assign(9, -1);
    c.y[7] = NAN;  // a bad image may hold anything
    DeviceArray<float> dy(c.y.size(), "dy");
    const Result got = run(c, rung, &dy);
    EXPECT_EQ(got.loss, std::vector<float>{0.0f});
    EXPECT_EQ(got.counts, (std::vector<int32_t>{0, 0}));
    EXPECT_EQ(dy.values(), std::vector<float>(c.y.size(), 0.0f));
  }
}

// Logits whose exponentials are powers of two cannot be had; equal logits can: softmax is exactly 1/K.
TEST(SoftmaxXentKernels, EqualLogitsAreExact) {
  for (SoftmaxXentRung rung : {SoftmaxXentRung::naive, SoftmaxXentRung::warp}) {
    const Case<float> c{{2, 4, 0.0f, 1.0f}, std::vector<float>(8, 3.0f), {0, 2}};
    DeviceArray<float> dy(8, "dy");
    const Result got = run(c, rung, &dy);
    EXPECT_EQ(dy.values(), (std::vector<float>{-0.75f, 0.25f, 0.25f, 0.25f, 0.25f, 0.25f, -0.75f, 0.25f}));
    EXPECT_EQ(got.counts, (std::vector<int32_t>{2, 1})) << "the first of equals is the answer";
    EXPECT_NEAR(got.loss[0], 2 * std::log(4.0), 1e-6);
  }
}

TEST(SoftmaxXentKernels, LabelOutsideShowsAsNaN) {
  for (SoftmaxXentRung rung : {SoftmaxXentRung::naive, SoftmaxXentRung::warp})
    for (int32_t label : {3, -2}) {
      const Case<float> c{{2, 3, 0.0f, 1.0f}, std::vector<float>(6, 1.0f), {1, label}};
      DeviceArray<float> dy(6, "dy");
      const Result got = run(c, rung, &dy);
      EXPECT_TRUE(std::isnan(got.loss[0]));
      const std::vector<float> d = dy.values();
      for (int k = 0; k < 3; ++k) EXPECT_TRUE(std::isfinite(d[size_t(k)]) && std::isnan(d[size_t(3 + k)]));
      EXPECT_EQ(got.counts, (std::vector<int32_t>{2, 0}));
    }
}

TEST(SoftmaxXentKernels, SecondLabelOrWeightOutsideShowsAsNaN) {
  for (SoftmaxXentRung rung : {SoftmaxXentRung::naive, SoftmaxXentRung::warp})
    for (const auto& [label, weight] : {std::pair{3, 9}, {-1, 9}, {0, -1}, {0, 65537}}) {
      const Case<float> c{
          {2, 3, 0.0f, 1.0f, true}, std::vector<float>(6, 1.0f), {1, 2, 30000, 1, label, weight}};
      DeviceArray<float> dy(6, "dy");
      EXPECT_TRUE(std::isnan(run(c, rung, &dy).loss[0]));
      const std::vector<float> d = dy.values();
      for (size_t k = 0; k < 3; ++k) EXPECT_TRUE(std::isfinite(d[k]) && std::isnan(d[3 + k]));
    }
}

// 0 times an infinite gap would be NaN.
TEST(SoftmaxXentKernels, LabelOfWeightZeroTakesNoPart) {
  for (SoftmaxXentRung rung : {SoftmaxXentRung::naive, SoftmaxXentRung::warp}) {
    const Case<float> c{{2, 3, 0.0f, 1.0f, true}, {-INFINITY, 1, 1, -INFINITY, 1, 1}, {1, 0, 65536, 0, 1, 0}};
    const Result got = run<float>(c, rung, nullptr);
    EXPECT_NEAR(got.loss[0], 2 * std::log(2.0), 1e-6);
  }
}

}  // namespace
}  // namespace gabor::kernels
