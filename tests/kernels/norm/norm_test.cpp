// The kernels of kernels/norm against the oracle: random arenas, both rungs, all storage types. Each flavour and thread
// order draws arenas of its own, so that the six runs of a test together see six times as many.
#include "kernels/norm/norm.h"

#include "kernels/common/dispatch.cuh"
#include "kernels/judge.h"
#include "kernels/norm/norm.cuh"
#include "kernels/problem_count.h"

namespace gabor::kernels {
namespace {

using namespace kernel_tests;
using gabor::gamma;
using gabor::sum_budget;
using simt::DeviceArray;

// spread: numbers of all sizes, so that squares of single ones are beyond float, at either end.
enum class Data { real, spread, special };
constexpr Data kData[] = {Data::real, Data::spread, Data::special};

std::vector<float> values(Rng& rng, int64_t count, Data data) {
  std::vector<float> out;
  const int middle = between(rng, -80, 100);
  for (int64_t i = 0; i < count; ++i) {
    out.push_back(uniform(rng, -1, 1));
    if (data == Data::spread) out.back() = std::ldexp(out.back(), middle + between(rng, -20, 20));
    if (data == Data::special && rng() % uint64_t(count) < 3)
      out.back() = std::vector<float>{NAN, INFINITY, -INFINITY, -0.0f, 1e-42f, 3e38f}[size_t(below(rng, 6))];
  }
  return out;
}

int64_t random_count(Rng& rng) {
  return below(rng, 16) == 0 ? between(rng, 4000, 10000) : between(rng, 0, 700);
}

struct Oracle {
  template <class Element>
  explicit Oracle(const std::vector<Element>& g) {
    double sum = 0;
    for (const double v : widened(g)) nonfinite += !std::isfinite(v), sum += v * v;
    const double exact = std::sqrt(sum), n = double(g.size());
    // The relative error of the sum is halved by the root; what lies below 2^-91 may be lost.
    const double budget = gamma(n + 6) * exact + std::sqrt(n) * 0x1p-90;
    const double value = nonfinite > 0 ? NAN : exact - budget > FLT_MAX ? INFINITY : exact;
    norm.add(value, exact + budget < FLT_MAX ? budget : INFINITY);
  }
  Expected norm;
  int32_t nonfinite = 0;
};

template <class Element>
NormResult norm_of(DeviceArray<Element>& g, size_t shift, NormRung rung) {
  const int64_t count = int64_t(g.size() - shift);
  DeviceArray<NormResult> result(1, "result");
  DeviceArray<unsigned char> workspace(norm_workspace_bytes(count), "workspace");
  gradient_norm<Element>(count, g.data() + shift, result.data(), workspace.data(), nullptr, rung);
  return result.values()[0];
}

template <class Element>
void check_norm(Rng& rng, NormRung rung, Data data) {
  const size_t shift = rung != NormRung::vector && below(rng, 3) == 0;  // off the alignment
  const std::vector<Element> host = stored<Element>(values(rng, random_count(rng) + int64_t(shift), data));
  SCOPED_TRACE("norm rung " + std::to_string(int(rung)) + " count=" + std::to_string(host.size()) + " - " +
               std::to_string(shift));
  const Oracle want(std::vector<Element>(host.begin() + int64_t(shift), host.end()));
  DeviceArray<Element> g(host, "g");
  const NormResult got = norm_of(g, shift, rung);
  expect_within(std::vector<float>{got.norm}, want.norm, "norm");
  EXPECT_EQ(got.nonfinite, want.nonfinite);
}

template <class Element>
void check_scale(Rng& rng, NormRung rung, Data data) {
  const size_t shift = rung != NormRung::vector && below(rng, 3) == 0;
  const std::vector<Element> before = stored<Element>(values(rng, random_count(rng) + int64_t(shift), data));
  const float norm = uniform(rng, 0.5f, 3), max_norm = uniform(rng, 0.5f, 3);
  const int32_t nonfinite = below(rng, 4) == 0;
  SCOPED_TRACE("scale rung " + std::to_string(int(rung)) + " count=" + std::to_string(before.size()) + " - " +
               std::to_string(shift) + " norm=" + std::to_string(norm) + " of " + std::to_string(max_norm));
  Expected want;
  const std::vector<double> wide = widened(before);
  for (size_t i = 0; i < wide.size(); ++i) {
    const bool scaled = i >= shift && nonfinite == 0 && norm > max_norm;
    const double value = scaled ? wide[i] * double(max_norm) / double(norm) : wide[i];
    want.add(value, scaled ? gamma(3) * std::fabs(value) + FLT_MIN + storage_error<Element>(value) : 0);
  }
  DeviceArray<Element> g(before, "g");
  DeviceArray<NormResult> result(std::vector<NormResult>{{norm, nonfinite}}, "result");
  scale_if<Element>(int64_t(before.size() - shift), g.data() + shift, result.data(), max_norm, nullptr, rung);
  expect_within(g.values(), want, "g");
}

constexpr int kArenas = 120, kArenasInHalves = 90;

const char* name_of(NormRung rung) {
  return rung == NormRung::automatic ? "automatic" : rung == NormRung::naive ? "naive" : "vector";
}

// Each went through both kernels.
void report(NormRung rung, const std::string& storage, int drawn) {
  for (const char* kernel : {" norm ", " scale "})
    report_problems(std::string("norm ") + name_of(rung) + kernel + storage, drawn);
}

class NormKernels : public testing::TestWithParam<NormRung> {};

TEST_P(NormKernels, RandomArenas) {
  Rng rng(1 + seed_of_this_run());
  for (int i = 0; i < kArenas && !HasFailure(); ++i) {
    check_norm<float>(rng, GetParam(), kData[i % 3]);
    check_scale<float>(rng, GetParam(), kData[i % 3]);
  }
  report(GetParam(), "f32", kArenas);
}

TEST_P(NormKernels, StorageInHalves) {
  Rng rng(1000 + seed_of_this_run());
  for (int i = 0; i < kArenasInHalves && !HasFailure(); ++i) {
    check_norm<simt::half>(rng, GetParam(), kData[i % 3]);
    check_norm<simt::bfloat16>(rng, GetParam(), kData[i % 3]);
    check_scale<simt::half>(rng, GetParam(), kData[i % 3]);
    check_scale<simt::bfloat16>(rng, GetParam(), kData[i % 3]);
  }
  report(GetParam(), "f16", kArenasInHalves);
  report(GetParam(), "bf16", kArenasInHalves);
}

// Roots of squares, at every size: scaling by powers of two rounds nothing.
TEST_P(NormKernels, ExactAtEverySize) {
  for (int exponent = -90; exponent <= 122; exponent += 2) {
    std::vector<float> host(25, std::ldexp(2.0f, exponent));  // 25 * 2^2 + 11 * 1^2 + 1 * 17^2 = 20^2
    host.insert(host.end(), 11, std::ldexp(1.0f, exponent));
    host.push_back(std::ldexp(-17.0f, exponent));
    DeviceArray<float> g(host, "g");
    EXPECT_EQ(norm_of(g, 0, GetParam()).norm, std::ldexp(20.0f, exponent)) << exponent;
  }
}

TEST_P(NormKernels, TooLargeForFloatIsInfinite) {
  DeviceArray<float> g(std::vector<float>(5, 3e38f), "g");
  const NormResult got = norm_of(g, 0, GetParam());
  EXPECT_EQ(got.norm, INFINITY);
  EXPECT_EQ(got.nonfinite, 0);
}

TEST_P(NormKernels, EmptyArena) {
  DeviceArray<float> g(0, "g");
  const NormResult got = norm_of(g, 0, GetParam());
  EXPECT_EQ(got.norm, 0.0f);
  EXPECT_EQ(got.nonfinite, 0);
}

// Clipped for real: measured, scaled, measured again.
TEST_P(NormKernels, ClippedArenaHasTheNorm) {
  Rng rng(3000 + seed_of_this_run());
  for (const float bad : {0.0f, NAN}) {
    std::vector<float> host = values(rng, 5000, Data::real);
    host[4321] += bad;
    DeviceArray<float> g(host, "g");
    DeviceArray<NormResult> result(1, "result");
    DeviceArray<unsigned char> workspace(norm_workspace_bytes(5000), "workspace");
    gradient_norm<float>(5000, g.data(), result.data(), workspace.data(), nullptr, GetParam());
    scale_if<float>(5000, g.data(), result.data(), 1.5f, nullptr, GetParam());
    if (bad == 0.0f) {
      EXPECT_NEAR(norm_of(g, 0, GetParam()).norm, 1.5, 1.5 * gamma(5010));
    } else {
      const std::vector<float> after = g.values();
      for (size_t i = 0; i < host.size(); ++i) EXPECT_TRUE(after[i] == host[i] || i == 4321) << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Rungs, NormKernels,
                         testing::Values(NormRung::automatic, NormRung::naive, NormRung::vector),
                         [](const auto& rung) { return name_of(rung.param); });

// A launcher takes millions of elements to need more than one round of a grid, or more blocks than stage 2 has threads.
template <class Config>
void check_grid(int blocks, size_t count) {
  std::vector<float> host(count, 2.0f);
  host.resize(count + 3, 1.0f);
  DeviceArray<float> g(host, "g");
  DeviceArray<Squares> sums(size_t(blocks), "blocks");
  DeviceArray<NormResult> result(1, "result");
  launch(grid_of(dim3(unsigned(blocks)), Config::kThreads, nullptr), sum_squares<Config, float>,
         int64_t(host.size()), g.data(), sums.data());
  launch(grid_of(dim3(1), Config::kThreads, nullptr), finish_norm<Config>, blocks, sums.data(),
         result.data());
  EXPECT_EQ(result.values()[0].norm,
            float(std::sqrt(4.0 * double(count) + 3)));  // whole numbers below 2^24: exact
}

TEST(NormKernels, ManyRoundsAndManyBlocks) {
  check_grid<NormConfig<1, 1>>(3, 30000);
  check_grid<NormConfig<4, 4>>(3, 30000);
  check_grid<NormConfig<1, 1>>(300, 20000);
  check_grid<NormConfig<4, 4>>(300, 20000);
}

TEST(NormKernels, VectorNeedsAlignment) {
  DeviceArray<float> g(std::vector<float>(9, 1.0f), "g");
  EXPECT_THROW(norm_of(g, 1, NormRung::vector), simt::Error);
  EXPECT_EQ(norm_of(g, 0, NormRung::vector).norm, 3.0f);
}

}  // namespace
}  // namespace gabor::kernels
