// The kernels of kernels/softmax against the oracle: random shapes, both passes, both rungs, all storage types. Each
// flavour and thread order draws shapes of its own, so that the six runs of a test together see six times as many.
#include "kernels/softmax/softmax.h"

#include "kernels/judge.h"
#include "kernels/problem_count.h"

namespace gabor::kernels {
namespace {

using namespace kernel_tests;
using gabor::gamma;
using gabor::kExpUlps;
using gabor::kU;
using gabor::sum_budget;
using simt::DeviceArray;

constexpr int64_t kColumns[] = {1, 2, 3, 7, 8, 9, 10, 31, 32, 33, 63, 64, 65, 100};

enum class Data { real, wide, special };
constexpr Data kData[] = {Data::real, Data::wide, Data::special};

std::vector<float> values(Rng& rng, int64_t count, Data data) {
  std::vector<float> out;
  for (int64_t i = 0; i < count; ++i) {
    out.push_back(data == Data::wide ? uniform(rng, -120, 120) : uniform(rng, -4, 4));
    if (data == Data::special && below(rng, 30) == 0)
      out.back() = std::vector<float>{NAN, INFINITY, -INFINITY, -0.0f, 1e-42f}[size_t(below(rng, 5))];
  }
  return out;
}

// As ops/softmax.h has it, in double. What float may be off by: rounding of x - m as a relative error of exp, exp's own
// error, the sum; and an exponential may be too small for float.
template <class Element>
Expected forward_oracle(int64_t K, const std::vector<double>& x) {
  Expected y;
  for (size_t row = 0; row < x.size(); row += size_t(K)) {
    double max = -INFINITY, sum = 0, spread = 0;
    for (size_t k = row; k < row + size_t(K); ++k) max = std::fmax(max, x[k]);
    for (size_t k = row; k < row + size_t(K); ++k) sum += std::exp(x[k] - max);
    for (size_t k = row; k < row + size_t(K); ++k)
      if (std::exp(x[k] - max) > 0) spread += std::exp(x[k] - max) / sum * (max - x[k]);
    const double sum_error = kU * (spread + kExpUlps + double(K));
    for (size_t k = row; k < row + size_t(K); ++k) {
      const double value = std::exp(x[k] - max) / sum,
                   own = kU * (std::min(max - x[k], 200.0) + kExpUlps + 2);
      const double budget = value * (own + sum_error + gamma(4)) + FLT_MIN;
      y.add(value, budget + storage_error<Element>(value + budget));
    }
  }
  return y;
}

template <class Element>
Expected backward_oracle(int64_t K, const std::vector<double>& y, const std::vector<double>& dy,
                         const std::vector<double>& old) {
  Expected dx;
  for (size_t row = 0; row < y.size(); row += size_t(K)) {
    double dot = 0, magnitude = 0;
    for (size_t k = row; k < row + size_t(K); ++k) dot += dy[k] * y[k], magnitude += std::fabs(dy[k] * y[k]);
    const double dot_error = sum_budget(double(K), magnitude);
    for (size_t k = row; k < row + size_t(K); ++k) {
      const double value = old[k] + y[k] * (dy[k] - dot);
      const double budget =
          std::fabs(y[k]) * (2 * dot_error + gamma(4) * (std::fabs(dy[k]) + std::fabs(dot))) +
          gamma(2) * std::fabs(old[k]) + FLT_MIN;
      dx.add(value, budget + storage_error<Element>(std::fabs(value) + budget));
    }
  }
  return dx;
}

std::string text_of(const char* pass, int64_t N, int64_t K, SoftmaxRung rung) {
  return std::string(pass) + " rung " + std::to_string(int(rung)) + " N=" + std::to_string(N) +
         " K=" + std::to_string(K);
}

template <class Element>
void check_forward(Rng& rng, int64_t N, int64_t K, SoftmaxRung rung, Data data) {
  SCOPED_TRACE(text_of("forward", N, K, rung));
  const std::vector<Element> x_host = stored<Element>(values(rng, N * K, data));
  DeviceArray<Element> x(x_host, "x"), y(x_host.size(), "y");
  const bool in_place = below(rng, 4) == 0;
  softmax_forward(N, K, kStorageOf<Element>, x.data(), in_place ? x.data() : y.data(), nullptr, rung);
  expect_within(in_place ? x.values() : y.values(), forward_oracle<Element>(K, widened(x_host)), "y");
}

template <class Element>
void check_backward(Rng& rng, int64_t N, int64_t K, SoftmaxRung rung, Data data) {
  SCOPED_TRACE(text_of("backward", N, K, rung));
  std::vector<float> y_values;
  for (int64_t i = 0; i < N * K; ++i) y_values.push_back(uniform(rng, 0.001f, 1));
  const std::vector<Element> y_host = stored<Element>(y_values),
                             dy_host = stored<Element>(values(rng, N * K, data)),
                             old = stored<Element>(values(rng, N * K, Data::real));
  const int kind = below(rng, 3);  // overwrite, accumulate, in place of dy
  DeviceArray<Element> y(y_host, "y"), dy(dy_host, "dy"), dx(y_host.size(), "dx"), dx_old(old, "dx");
  DeviceArray<Element>& to = kind == 0 ? dx : kind == 1 ? dx_old : dy;
  softmax_backward(N, K, kStorageOf<Element>, y.data(), dy.data(), to.data(), kind == 1, nullptr, rung);
  const std::vector<double> before = kind == 1 ? widened(old) : std::vector<double>(y_host.size());
  expect_within(to.values(), backward_oracle<Element>(K, widened(y_host), widened(dy_host), before), "dx");
}

constexpr int kShapes = 300, kShapesInHalves = 90;

const char* name_of(SoftmaxRung rung) {
  return rung == SoftmaxRung::automatic ? "automatic" : rung == SoftmaxRung::naive ? "naive" : "warp";
}

// Each went through both passes.
void report(SoftmaxRung rung, const std::string& storage, int drawn) {
  for (const char* pass : {" forward ", " backward "})
    report_problems(std::string("softmax ") + name_of(rung) + pass + storage, drawn);
}

class SoftmaxKernels : public testing::TestWithParam<SoftmaxRung> {};

TEST_P(SoftmaxKernels, RandomShapes) {
  Rng rng(1 + seed_of_this_run());
  for (int i = 0; i < kShapes && !HasFailure(); ++i) {
    const int64_t N = between(rng, 1, 20), K = kColumns[below(rng, 14)];
    check_forward<float>(rng, N, K, GetParam(), kData[i % 3]);
    check_backward<float>(rng, N, K, GetParam(), kData[i % 3]);
  }
  report(GetParam(), "f32", kShapes);
}

TEST_P(SoftmaxKernels, StorageInHalves) {
  Rng rng(1000 + seed_of_this_run());
  for (int i = 0; i < kShapesInHalves && !HasFailure(); ++i) {
    const int64_t N = between(rng, 1, 12), K = kColumns[below(rng, 14)];
    check_forward<simt::half>(rng, N, K, GetParam(), kData[i % 3]);
    check_forward<simt::bfloat16>(rng, N, K, GetParam(), kData[i % 3]);
    check_backward<simt::half>(rng, N, K, GetParam(), kData[i % 3]);
    check_backward<simt::bfloat16>(rng, N, K, GetParam(), kData[i % 3]);
  }
  report(GetParam(), "f16", kShapesInHalves);
  report(GetParam(), "bf16", kShapesInHalves);
}

TEST_P(SoftmaxKernels, ManyRows) {
  Rng rng(2000 + seed_of_this_run());
  check_forward<float>(rng, 300, 3, GetParam(), Data::real);
  check_backward<float>(rng, 300, 3, GetParam(), Data::real);
}

// Equal numbers, however large: exactly 1/K. And a gradient of sums of powers of two.
TEST_P(SoftmaxKernels, ExactWhereItCanBe) {
  for (const float v : {0.0f, 3e38f, -3e38f, 1e-42f}) {
    DeviceArray<float> x(std::vector<float>(64, v), "x"), y(64, "y");
    softmax_forward(2, 32, Storage::f32, x.data(), y.data(), nullptr, GetParam());
    EXPECT_EQ(y.values(), std::vector<float>(64, 1.0f / 32));
  }
  DeviceArray<float> y(std::vector<float>{0.5f, 0.25f, 0.25f}, "y"), dy(std::vector<float>{2, 4, -8}, "dy"),
      dx(3, "dx");
  softmax_backward(1, 3, Storage::f32, y.data(), dy.data(), dx.data(), false, nullptr, GetParam());
  EXPECT_EQ(dx.values(), (std::vector<float>{1, 1, -2}));
}

TEST_P(SoftmaxKernels, NanAndInfinityStayInTheirRows) {
  for (const float bad : {NAN, INFINITY}) {
    std::vector<float> v(4 * 10, 1.0f);
    v[13] = bad;
    for (int k = 20; k < 30; ++k) v[size_t(k)] = -INFINITY;
    v[35] = -INFINITY;
    DeviceArray<float> x(v, "x"), y(v.size(), "y");
    softmax_forward(4, 10, Storage::f32, x.data(), y.data(), nullptr, GetParam());
    const std::vector<float> got = y.values();
    for (size_t i = 0; i < 40; ++i) EXPECT_EQ(std::isnan(got[i]), i >= 10 && i < 30) << i;
    EXPECT_EQ(got[35], 0.0f);
  }
}

INSTANTIATE_TEST_SUITE_P(Rungs, SoftmaxKernels,
                         testing::Values(SoftmaxRung::automatic, SoftmaxRung::naive, SoftmaxRung::warp),
                         [](const auto& rung) { return name_of(rung.param); });

}  // namespace
}  // namespace gabor::kernels
