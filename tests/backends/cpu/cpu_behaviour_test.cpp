// What the cpu backend promises beyond right numbers on random shapes: each instruction set's code, bits that
// do not depend on threads, NaN that stays visible, and the paths that only large problems take.
#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "backends/cpu/backend.h"
#include "backends/op_tests/op_comparison.h"
#include "backends/reference/formulas.h"
#include "core/error.h"
#include "core/parallel.h"
#include "core/philox.h"
#include "ops/activation.h"
#include "ops/batchnorm.h"
#include "ops/budget.h"
#include "ops/conv2d.h"
#include "ops/dense.h"
#include "ops/loss.h"
#include "ops/pool2d.h"

namespace gabor {
namespace {

std::vector<float> random_floats(int64_t count, uint32_t stream) {
  Random random({7, Purpose::test, 0, stream});
  std::vector<float> v(static_cast<size_t>(count));
  for (float& f : v) f = random.uniform(-1, 1);
  return v;
}

ConstTensorView in(const std::vector<float>& v, const Shape& shape) { return {v.data(), shape, DType::f32}; }
TensorView out(std::vector<float>& v, const Shape& shape) { return {v.data(), shape, DType::f32}; }

struct Workspace {
  Buffer buffer;
  Context context{host_device()};
  explicit Workspace(size_t bytes) : buffer(host_device(), bytes) {
    context.workspace = buffer.data();
    context.workspace_bytes = bytes;
  }
};

class CpuBehaviour : public testing::Test {
 protected:
  ~CpuBehaviour() override { set_max_threads(threads_); }
  const int threads_ = max_threads();
  const std::shared_ptr<const Backend> backend_ = make_cpu_backend();
};

// -----------------------------------------------------------------------------------------------------------

// The same op tests on code that this machine would not choose. Restores the choice at the end.
class CpuTarget : public testing::TestWithParam<int64_t> {
 protected:
  void SetUp() override {
    if (GetParam() != HWY_EMU128 && !(hwy::SupportedTargets() & GetParam()))
      GTEST_SKIP() << "this CPU has no " << hwy::TargetName(GetParam());
    choose(GetParam());
  }
  void TearDown() override { choose(0); }
  static void choose(int64_t targets) {
    hwy::SetSupportedTargetsForTest(targets);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
};

TEST_P(CpuTarget, AgreesWithTheReference) {
  constexpr int kProblems = 150;
  const op_tests::OpComparison compare(make_cpu_backend(), 99);
  for (const op_tests::OpReport& report :
       {compare.conv2d(Pass::fprop, kProblems), compare.conv2d(Pass::dgrad, kProblems),
        compare.conv2d(Pass::wgrad, kProblems), compare.pool2d_forward(kProblems),
        compare.pool2d_backward(kProblems), compare.batchnorm_forward(kProblems),
        compare.batchnorm_backward(kProblems), compare.activation_forward(kProblems),
        compare.activation_backward(kProblems), compare.add(kProblems), compare.normalize(kProblems),
        compare.dropout(kProblems), compare.optimizer(kProblems)})
    EXPECT_TRUE(report.good(kProblems)) << report.text();
}

INSTANTIATE_TEST_SUITE_P(All, CpuTarget, testing::Values(int64_t{HWY_AVX2}, int64_t{HWY_EMU128}),
                         [](const auto& info) { return std::string(hwy::TargetName(info.param)); });

// -----------------------------------------------------------------------------------------------------------

// Few outputs over many inputs: kernels of their own, which no random problem is wide enough for.
TEST_F(CpuBehaviour, DenseWithFewOutputsIsWithinBudget) {
  const Dense& op = *backend_->ops().dense;
  for (const DenseProblem& p :
       {DenseProblem{.N = 1, .C = 2048, .K = 1}, DenseProblem{.N = 9, .C = 5001, .K = 3},
        DenseProblem{.N = 15, .C = 4099, .K = 16}, DenseProblem{.N = 32, .C = 131072, .K = 2}}) {
    SCOPED_TRACE(to_string(p));
    const auto x = random_floats(p.N * p.C, 1), w = random_floats(p.K * p.C, 2), b = random_floats(p.K, 3),
               dy = random_floats(p.N * p.K, 4), start = random_floats(p.N * p.C + p.K * p.C, 5);
    std::vector<float> y(size_t(p.N * p.K));
    Workspace work(op.workspace_bytes(p, Pass::fprop));
    op.fprop(work.context, p, in(x, p.x_shape()), in(w, p.w_shape()), in(b, p.b_shape()),
             out(y, p.y_shape()));
    for (int64_t n = 0; n < p.N; n++)
      for (int64_t k = 0; k < p.K; k++) {
        double want = b[size_t(k)], magnitude = std::abs(want);
        for (int64_t c = 0; c < p.C; c++) {
          const double product = double(x[size_t(n * p.C + c)]) * w[size_t(k * p.C + c)];
          want += product, magnitude += std::abs(product);
        }
        ASSERT_NEAR(y[size_t(n * p.K + k)], want, gabor::sum_budget(double(p.C), magnitude));
      }
    for (GradMode mode : {GradMode::overwrite, GradMode::accumulate}) {
      const double keep = mode == GradMode::accumulate ? 1 : 0;
      std::vector<float> dx(start.begin(), start.begin() + p.N * p.C),
          dw(start.begin(), start.begin() + p.K * p.C);
      std::vector<float> db = b;
      op.dgrad(work.context, p, in(dy, p.y_shape()), in(w, p.w_shape()), out(dx, p.x_shape()), mode);
      op.wgrad(work.context, p, in(x, p.x_shape()), in(dy, p.y_shape()), out(dw, p.w_shape()),
               out(db, p.b_shape()), mode);
      for (int64_t n = 0; n < p.N; n++)
        for (int64_t c = 0; c < p.C; c += 7) {
          double want = keep * start[size_t(n * p.C + c)], magnitude = std::abs(want);
          for (int64_t k = 0; k < p.K; k++) {
            const double product = double(dy[size_t(n * p.K + k)]) * w[size_t(k * p.C + c)];
            want += product, magnitude += std::abs(product);
          }
          ASSERT_NEAR(dx[size_t(n * p.C + c)], want, gabor::sum_budget(double(p.K), magnitude))
              << n << ' ' << c;
        }
      for (int64_t k = 0; k < p.K; k++)
        for (int64_t c = 0; c < p.C; c++) {
          double want = keep * start[size_t(k * p.C + c)], magnitude = std::abs(want);
          for (int64_t n = 0; n < p.N; n++) {
            const double product = double(dy[size_t(n * p.K + k)]) * x[size_t(n * p.C + c)];
            want += product, magnitude += std::abs(product);
          }
          ASSERT_NEAR(dw[size_t(k * p.C + c)], want, gabor::sum_budget(double(p.N), magnitude))
              << k << ' ' << c;
        }
    }
  }
}

// dgrad that adds runs oneDNN on part of the batch at a time: 5 images of 1 MiB here.
TEST_F(CpuBehaviour, DgradOfALargeBatchAddsToDx) {
  const Conv2dProblem p{.N = 5, .H = 64, .W = 64, .C = 64, .K = 16, .R = 3, .S = 3, .pad = {1, 1, 1, 1}};
  const Conv2d& op = *backend_->ops().conv2d;
  const auto dy = random_floats(p.y_shape().count(), 1), w = random_floats(p.w_shape().count(), 2),
             start = random_floats(p.x_shape().count(), 3);
  std::vector<float> fresh(start.size()), added = start;
  Workspace work(op.workspace_bytes(p, Pass::dgrad));
  EXPECT_LT(work.context.workspace_bytes, start.size() * sizeof(float)) << "a whole second dx";
  op.dgrad(work.context, p, in(dy, p.y_shape()), in(w, p.w_shape()), out(fresh, p.x_shape()),
           GradMode::overwrite);
  op.dgrad(work.context, p, in(dy, p.y_shape()), in(w, p.w_shape()), out(added, p.x_shape()),
           GradMode::accumulate);
  for (size_t i = 0; i < start.size(); i++) ASSERT_NEAR(added[i], start[i] + fresh[i], 1e-5) << i;
}

// oneDNN's own ReLU would turn it into 0.
TEST_F(CpuBehaviour, ReluAfterALargeConvolutionKeepsNan) {
  Conv2dProblem p{.N = 1, .H = 8, .W = 8, .C = 32, .K = 32, .R = 3, .S = 3, .pad = {1, 1, 1, 1}};
  p.activation.kind = ActivationKind::relu;
  const Conv2d& op = *backend_->ops().conv2d;
  auto x = random_floats(p.x_shape().count(), 1);
  const auto w = random_floats(p.w_shape().count(), 2);
  x[0] = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> y(size_t(p.y_shape().count()));
  Workspace work(op.workspace_bytes(p, Pass::fprop));
  op.fprop(work.context, p, in(x, p.x_shape()), in(w, p.w_shape()), {}, out(y, p.y_shape()));
  EXPECT_TRUE(std::isnan(y[0]));       // reads x[0]
  EXPECT_FALSE(std::isnan(y.back()));  // does not
  for (float v : y) EXPECT_FALSE(v < 0);
}

// Own kernels: the same bits with any number of threads.
// Backward too, by itself and in the pooling after it.
TEST_F(CpuBehaviour, GradientsPassAReluWhoseOutputIsNan) {
  const std::vector<float> y = {std::numeric_limits<float>::quiet_NaN(), 0, 2, -0.0f, 3, 0, 1, 5, 0};
  const std::vector<float> dy = {1, 2, 3, 4, 5, 6, 7, 8, 9}, want = {1, 0, 3, 0, 5, 0, 7, 8, 0};
  const std::vector<uint8_t> winners(y.size(), 0);
  Context context{host_device()};
  std::vector<float> dx(y.size());
  const ActivationProblem relu{int64_t(y.size()), {ActivationKind::relu}};
  const Shape flat{relu.count};
  backend_->ops().activation->backward(context, relu, {}, in(y, flat), in(dy, flat), out(dx, flat),
                                       GradMode::overwrite);
  EXPECT_EQ(dx, want);
  for (const int64_t channels : {1, 9}) {  // windows of one element
    const Pool2dProblem p{.W = 9 / channels,
                          .C = channels,
                          .R = 1,
                          .S = 1,
                          .pad = {},
                          .stride_h = 1,
                          .stride_w = 1,
                          .relu = true};
    const Shape map = p.x_shape();
    backend_->ops().pool2d->backward(context, p, {}, in(y, map), {winners.data(), map, DType::u8},
                                     in(dy, map), out(dx, map), GradMode::overwrite);
    EXPECT_EQ(dx, want) << channels;
  }
}

TEST_F(CpuBehaviour, OwnKernelsDoNotDependOnThreads) {
  const Conv2dProblem conv{.N = 13, .H = 20, .W = 17, .C = 3, .K = 6, .R = 5, .S = 5, .pad = {2, 2, 2, 2}};
  const DenseProblem dense{.N = 9, .C = 30011, .K = 2};
  const LossProblem loss{.N = 333, .K = 101};
  const Conv2d& conv_op = *backend_->ops().conv2d;
  const Dense& dense_op = *backend_->ops().dense;
  const auto run = [&](int threads) {
    set_max_threads(threads);
    std::vector<float> result;
    const auto take = [&](const std::vector<float>& v) { result.insert(result.end(), v.begin(), v.end()); };
    const auto cx = random_floats(conv.x_shape().count(), 1), cw = random_floats(conv.w_shape().count(), 2),
               cdy = random_floats(conv.y_shape().count(), 3);
    std::vector<float> y(cdy.size()), dx(cx.size()), dw(cw.size()), db(size_t(conv.K));
    for (Pass pass : {Pass::fprop, Pass::dgrad, Pass::wgrad}) {
      Workspace work(conv_op.workspace_bytes(conv, pass));
      if (pass == Pass::fprop)
        conv_op.fprop(work.context, conv, in(cx, conv.x_shape()), in(cw, conv.w_shape()), {},
                      out(y, conv.y_shape()));
      else if (pass == Pass::dgrad)
        conv_op.dgrad(work.context, conv, in(cdy, conv.y_shape()), in(cw, conv.w_shape()),
                      out(dx, conv.x_shape()), GradMode::overwrite);
      else
        conv_op.wgrad(work.context, conv, in(cx, conv.x_shape()), in(cdy, conv.y_shape()),
                      out(dw, conv.w_shape()), out(db, conv.b_shape()), GradMode::overwrite);
    }
    take(y), take(dx), take(dw), take(db);
    const auto x = random_floats(dense.N * dense.C, 4), w = random_floats(dense.K * dense.C, 5);
    std::vector<float> z(size_t(dense.N * dense.K));
    Workspace work(dense_op.workspace_bytes(dense, Pass::fprop));
    dense_op.fprop(work.context, dense, in(x, dense.x_shape()), in(w, dense.w_shape()), {},
                   out(z, dense.y_shape()));
    take(z);
    const auto logits = random_floats(loss.N * loss.K, 6);
    std::vector<int32_t> labels(size_t(loss.N)), counts(2);
    for (size_t i = 0; i < labels.size(); i++) labels[i] = int32_t(i % 101) - (i % 7 == 0);
    std::vector<float> sum(1), dlogits(logits.size());
    backend_->ops().loss->run(work.context, loss, in(logits, {loss.N, loss.K}),
                              {labels.data(), {loss.N}, DType::i32}, 0.01f, out(dlogits, {loss.N, loss.K}),
                              out(sum, {1}), {counts.data(), {2}, DType::i32});
    take(sum), take(dlogits);
    return result;
  };
  const auto one = run(1), three = run(3);
  ASSERT_EQ(one.size(), three.size());
  EXPECT_EQ(std::memcmp(one.data(), three.data(), one.size() * sizeof(float)), 0);
}

TEST_F(CpuBehaviour, BatchNormDoesNotDependOnThreads) {
  const BatchNorm& op = *backend_->ops().batchnorm;
  for (const BatchNormProblem& p :
       {BatchNormProblem{.rows = 40003, .C = 3}, BatchNormProblem{.rows = 5001, .C = 32},
        BatchNormProblem{.rows = 777, .C = 130}, BatchNormProblem{.rows = 40, .C = 5000}}) {
    const auto run = [&](int threads) {
      set_max_threads(threads);
      const auto x = random_floats(p.rows * p.C, 1), dy = random_floats(p.rows * p.C, 2),
                 gamma = random_floats(p.C, 3), beta = random_floats(p.C, 4);
      std::vector<float> y(x.size()), dx(x.size());
      std::vector<std::vector<float>> of_channel(6, std::vector<float>(gamma.size()));
      const auto c = [&](size_t i) { return out(of_channel[i], p.c_shape()); };
      Workspace work(op.workspace_bytes(p));
      op.forward_training(work.context, p, in(x, p.x_shape()), in(gamma, p.c_shape()), in(beta, p.c_shape()),
                          out(y, p.x_shape()), c(0), c(1), c(2), c(3));
      op.backward(work.context, p, in(x, p.x_shape()), in(dy, p.x_shape()), in(gamma, p.c_shape()), c(0),
                  c(1), out(dx, p.x_shape()), GradMode::overwrite, c(4), c(5), GradMode::overwrite);
      std::vector<float> result = y;
      result.insert(result.end(), dx.begin(), dx.end());
      for (const auto& v : of_channel) result.insert(result.end(), v.begin(), v.end());
      return result;
    };
    const auto one = run(1), three = run(3);
    EXPECT_EQ(std::memcmp(one.data(), three.data(), one.size() * sizeof(float)), 0) << to_string(p);
  }
}

// Rows that float sums would lose: the mean lies 10,000 deviations from 0.
TEST_F(CpuBehaviour, BatchNormFarFromZeroKeepsTheVariance) {
  const BatchNormProblem p{.rows = 1 << 18, .C = 5};
  auto x = random_floats(p.rows * p.C, 1);
  for (float& v : x) v = 5000 + v;  // deviation 0.577
  std::vector<double> wide(x.begin(), x.end()), y(wide.size()), ones(size_t(p.C), 1.0), zeros(size_t(p.C)),
      mean(zeros), rstd(zeros), running_mean(zeros), running_var(ones);
  std::vector<float> gamma(size_t(p.C), 1.0f), beta(size_t(p.C)), got(x.size()), m(beta), s(beta), rm(beta),
      rv(gamma);
  Workspace work(backend_->ops().batchnorm->workspace_bytes(p));
  backend_->ops().batchnorm->forward_training(work.context, p, in(x, p.x_shape()), in(gamma, p.c_shape()),
                                              in(beta, p.c_shape()), out(got, p.x_shape()),
                                              out(m, p.c_shape()), out(s, p.c_shape()), out(rm, p.c_shape()),
                                              out(rv, p.c_shape()));
  reference::batchnorm_forward_training(p, wide.data(), ones.data(), zeros.data(), y.data(), mean.data(),
                                        rstd.data(), running_mean.data(), running_var.data());
  for (size_t c = 0; c < size_t(p.C); c++) EXPECT_NEAR(s[c], rstd[c], 1e-5 * rstd[c]) << c;
}

// One plan, run by several threads at the same time: each gets the right result.
TEST_F(CpuBehaviour, OnePlanServesSeveralThreads) {
  const Conv2dProblem p{.N = 2, .H = 12, .W = 12, .C = 32, .K = 32, .R = 3, .S = 3, .pad = {1, 1, 1, 1}};
  const Conv2d& op = *backend_->ops().conv2d;
  const auto w = random_floats(p.w_shape().count(), 1);
  constexpr int kThreads = 3, kRuns = 20;
  const auto run = [&](int i) {
    const auto x = random_floats(p.x_shape().count(), 10 + uint32_t(i));
    std::vector<float> y(size_t(p.y_shape().count()));
    Workspace work(op.workspace_bytes(p, Pass::fprop));
    for (int n = 0; n < kRuns; n++)
      op.fprop(work.context, p, in(x, p.x_shape()), in(w, p.w_shape()), {}, out(y, p.y_shape()));
    return y;
  };
  set_max_threads(1);  // of the team: the threads below are the parallelism here
  std::vector<std::vector<float>> alone, together(kThreads);
  for (int i = 0; i < kThreads; i++) alone.push_back(run(i));
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; i++) threads.emplace_back([&, i] { together[size_t(i)] = run(i); });
  for (auto& t : threads) t.join();
  EXPECT_EQ(alone, together);
}

TEST_F(CpuBehaviour, TooSmallAWorkspaceIsRefused) {
  const Conv2dProblem p{.N = 2, .H = 12, .W = 12, .C = 32, .K = 32, .R = 3, .S = 3};
  const Conv2d& op = *backend_->ops().conv2d;
  const auto x = random_floats(p.x_shape().count(), 1), w = random_floats(p.w_shape().count(), 2);
  std::vector<float> y(size_t(p.y_shape().count()));
  Workspace work(op.workspace_bytes(p, Pass::fprop) - 1);
  EXPECT_THROW(op.fprop(work.context, p, in(x, p.x_shape()), in(w, p.w_shape()), {}, out(y, p.y_shape())),
               Error);
}

}  // namespace
}  // namespace gabor
