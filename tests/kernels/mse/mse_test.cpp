// The kernels of kernels/mse against the oracle: random shapes, both rungs, all storage types. Each flavour and thread
// order draws shapes of its own, so that the six runs of a test together see six times as many.
#include "kernels/mse/mse.h"

#include "kernels/class_labels.h"
#include "kernels/judge.h"
#include "kernels/problem_count.h"

namespace gabor::kernels {
namespace {

using namespace kernel_tests;
using gabor::gamma;
using simt::DeviceArray;

constexpr int64_t kClasses[] = {1, 2, 3, 7, 8, 9, 10, 31, 32, 33, 64, 65, 100};

enum class Data { real, integer, special };
constexpr Data kData[] = {Data::real, Data::integer, Data::special};

template <class Element>
struct Case {
  MseProblem p;
  std::vector<Element> y;
  std::vector<int32_t> labels;
};

template <class Element>
Case<Element> random_case(Rng& rng, int64_t N, int64_t K, Data data) {
  Case<Element> c;
  c.p = {N, K, 1.0f / float(N)};
  std::vector<float> y;
  for (int64_t i = 0; i < N * K; ++i) {
    y.push_back(data == Data::integer ? float(below(rng, 3)) : uniform(rng, -2, 2));
    if (data == Data::special && below(rng, 20) == 0)
      y.back() = std::vector<float>{NAN, INFINITY, -INFINITY, -0.0f, 1e-42f, 1e30f}[size_t(below(rng, 6))];
  }
  c.y = stored<Element>(y);
  c.p.two_labels = below(rng, 2) == 0;
  c.labels = random_labels(rng, N, int(K), c.p.two_labels);
  return c;
}

// As ops/loss.h has it, in double.
template <class Element>
struct Oracle {
  explicit Oracle(const Case<Element>& c) {
    const std::vector<double> y = widened(c.y);
    double total = 0;
    for (int64_t n = 0; n < c.p.N; ++n) {
      const auto [label, other, w] = labels_of(c.labels, n, c.p.two_labels);
      const double* row = y.data() + n * c.p.K;
      bool right = true;
      for (int64_t k = 0; k < c.p.K; ++k) {
        const double hot = (k == label ? w : 0) + (k == other ? 1 - w : 0), error = row[k] - hot,
                     d = double(c.p.scale) * 2 / double(c.p.K) * error;
        if (label == -1) {
          dy.add(0, 0);
          continue;
        }
        total += error * error / double(c.p.K);
        dy.add(d, gamma(5) * std::fabs(d) + FLT_MIN + storage_error<Element>(d));
        right = right && (k < label ? row[k] < row[label] : row[k] <= row[label]);  // false for NaN
      }
      counts[0] += label != -1;
      counts[1] += label != -1 && right;
    }
    loss.add(total, gabor::sum_budget(double(c.p.K + c.p.N) + 6, std::fabs(total)));
  }
  Expected dy, loss;
  std::vector<int32_t> counts{0, 0};
};

struct Result {
  std::vector<float> loss;
  std::vector<int32_t> counts;
};

template <class Element>
Result run(const Case<Element>& c, MseRung rung, DeviceArray<Element>* dy) {
  DeviceArray<Element> y(c.y, "y");
  DeviceArray<int32_t> labels(c.labels, "labels"), counts(2, "counts");
  DeviceArray<float> loss(1, "loss");
  DeviceArray<float> workspace(mse_workspace_bytes(c.p) / sizeof(float), "workspace");
  DeviceArray<unsigned> counter(std::vector<unsigned>(1), "counter");
  mse(c.p, kStorageOf<Element>,
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
void check(const Case<Element>& c, MseRung rung, bool with_gradient) {
  SCOPED_TRACE("rung " + std::to_string(int(rung)) + " N=" + std::to_string(c.p.N) +
               " K=" + std::to_string(c.p.K));
  const Oracle<Element> want(c);
  DeviceArray<Element> dy(c.y.size(), "dy");
  const Result got = run(c, rung, with_gradient ? &dy : nullptr);
  expect_within(got.loss, want.loss, "loss");
  EXPECT_EQ(got.counts, want.counts);
  if (with_gradient) expect_within(dy.values(), want.dy, "dy");
}

constexpr int kShapes = 300, kShapesInHalves = 90;

const char* name_of(MseRung rung) {
  return rung == MseRung::automatic ? "automatic" : rung == MseRung::naive ? "naive" : "warp";
}

void report(MseRung rung, const std::string& storage, int shapes) {
  report_problems(std::string("mse ") + name_of(rung) + " " + storage, shapes);
}

class MseKernels : public testing::TestWithParam<MseRung> {};

TEST_P(MseKernels, RandomShapes) {
  Rng rng(1 + seed_of_this_run());
  for (int i = 0; i < kShapes && !HasFailure(); ++i)
    check(random_case<float>(rng, between(rng, 1, 20), kClasses[below(rng, 13)], kData[i % 3]), GetParam(),
          i % 5 != 0);
  report(GetParam(), "f32", kShapes);
}

TEST_P(MseKernels, StorageInHalves) {
  Rng rng(1000 + seed_of_this_run());
  for (int i = 0; i < kShapesInHalves && !HasFailure(); ++i) {
    const int64_t N = between(rng, 1, 12), K = kClasses[below(rng, 13)];
    check(random_case<simt::half>(rng, N, K, kData[i % 2]), GetParam(), true);
    check(random_case<simt::bfloat16>(rng, N, K, kData[i % 3]), GetParam(), true);
  }
  report(GetParam(), "f16", kShapesInHalves);
  report(GetParam(), "bf16", kShapesInHalves);
}

// Stage 2 of the sums has more partial sums than threads (of the warp rung).
TEST_P(MseKernels, ManyRows) {
  Rng rng(2000 + seed_of_this_run());
  check(random_case<float>(rng, 8 * 256 + 9, 2, Data::real), GetParam(), true);
}

// 4 classes, whole numbers, and a scale that is a power of two: nothing is rounded.
TEST_P(MseKernels, WholeNumbersAreExact) {
  const Case<float> c{{3, 4, 0.5f}, {1, 2, 3, 4, 0, 5, 0, 0, 7, 7, 7, 7}, {3, 1, 2}};
  DeviceArray<float> dy(12, "dy");
  const Result got = run(c, GetParam(), &dy);
  EXPECT_EQ(got.loss, std::vector<float>{(1 + 4 + 9 + 9 + 16 + 3 * 49 + 36) / 4.0f});
  EXPECT_EQ(got.counts, (std::vector<int32_t>{3, 2})) << "the first of equals is the answer";
  EXPECT_EQ(dy.values(), (std::vector<float>{.25f, .5f, .75f, .75f, 0, 1, 0, 0, 1.75f, 1.75f, 1.5f, 1.75f}));
}

TEST_P(MseKernels, RowsThatDoNotCount) {
  Rng rng(5);
  Case<float> c = random_case<float>(rng, 9, 5, Data::real);
  c.p.two_labels = false;
  c.labels.assign(9, -1);
  c.y[7] = NAN;  // a bad image may hold anything
  DeviceArray<float> dy(c.y.size(), "dy");
  const Result got = run(c, GetParam(), &dy);
  EXPECT_EQ(got.loss, std::vector<float>{0.0f});
  EXPECT_EQ(got.counts, (std::vector<int32_t>{0, 0}));
  EXPECT_EQ(dy.values(), std::vector<float>(c.y.size(), 0.0f));
}

TEST_P(MseKernels, LabelOutsideShowsAsNaN) {
  for (const int32_t label : {3, -2}) {
    const Case<float> c{{2, 3, 1.0f}, std::vector<float>(6, 1.0f), {1, label}};
    DeviceArray<float> dy(6, "dy");
    const Result got = run(c, GetParam(), &dy);
    EXPECT_TRUE(std::isnan(got.loss[0]));
    const std::vector<float> d = dy.values();
    for (size_t k = 0; k < 3; ++k) EXPECT_TRUE(std::isfinite(d[k]) && std::isnan(d[3 + k]));
    EXPECT_EQ(got.counts, (std::vector<int32_t>{2, 0}));
  }
}

TEST_P(MseKernels, SecondLabelOrWeightOutsideShowsAsNaN) {
  for (const auto& [label, weight] : {std::pair{3, 9}, {-1, 9}, {0, -1}, {0, 65537}}) {
    const Case<float> c{{2, 3, 1.0f, true}, std::vector<float>(6, 1.0f), {1, 2, 30000, 1, label, weight}};
    DeviceArray<float> dy(6, "dy");
    EXPECT_TRUE(std::isnan(run(c, GetParam(), &dy).loss[0]));
    const std::vector<float> d = dy.values();
    for (size_t k = 0; k < 3; ++k) EXPECT_TRUE(std::isfinite(d[k]) && std::isnan(d[3 + k]));
  }
}

INSTANTIATE_TEST_SUITE_P(Rungs, MseKernels,
                         testing::Values(MseRung::automatic, MseRung::naive, MseRung::warp),
                         [](const auto& rung) { return name_of(rung.param); });

}  // namespace
}  // namespace gabor::kernels
