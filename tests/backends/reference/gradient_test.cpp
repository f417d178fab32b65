// The oracle judged by mathematics alone: gradients against central differences in double (h = 1e-6, relative
// 1e-3, absolute 1e-5), and convolution against its adjoint.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <numeric>
#include <vector>

#include "backends/op_tests/generator.h"
#include "backends/reference/formulas.h"

namespace gabor {
namespace {

using reference::conv2d_dgrad;
using reference::conv2d_fprop;
using reference::conv2d_wgrad;
using Values = std::vector<double>;

constexpr double kStep = 1e-6;

Values random_vector(Random& random, int64_t count) {
  Values v(static_cast<size_t>(count));
  for (double& e : v) e = random.uniform(-1.0f, 1.0f);
  return v;
}

// Values that differ by 0.01 at least, in random order, none within 0.005 of 0: no step of 1e-6 crosses a
// kink of a maximum or of an activation.
Values without_ties(Random& random, int64_t count) {
  Values v(static_cast<size_t>(count));
  for (size_t i = 0; i < v.size(); i++) v[i] = 0.01 * (double(i) + 0.5 - double(v.size() / 2));
  for (size_t i = v.size(); i > 1; i--) std::swap(v[i - 1], v[random.below(uint32_t(i))]);
  return v;
}

double dot(const Values& a, const Values& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

// `gradient` is that of the scalar f with respect to v, which f reads.
void expect_gradient(Values& v, const Values& gradient, const std::function<double()>& f,
                     const std::string& what) {
  ASSERT_EQ(v.size(), gradient.size()) << what;
  for (size_t i = 0; i < v.size(); i++) {
    const double middle = v[i];
    v[i] = middle + kStep;
    const double above = f();
    v[i] = middle - kStep;
    const double below = f();
    v[i] = middle;
    const double slope = (above - below) / (2 * kStep);
    ASSERT_NEAR(gradient[i], slope, 1e-5 + 1e-3 * std::fabs(slope)) << what << " element " << i;
  }
}

// Small enough that every element's difference can be taken.
Conv2dProblem small_conv2d(Random& random) {
  Conv2dProblem p;
  do {
    p = {};
    p.groups = 1 + random.below(3);
    p.N = 1 + random.below(2), p.C = p.groups * (1 + random.below(2)), p.K = p.groups * (1 + random.below(2));
    p.H = 1 + random.below(7), p.W = 1 + random.below(7), p.R = 1 + random.below(3),
    p.S = 1 + random.below(3);
    p.stride_h = 1 + random.below(3), p.stride_w = 1 + random.below(3);
    p.dil_h = 1 + random.below(2), p.dil_w = 1 + random.below(2);
    p.pad = {random.below(3), random.below(3), random.below(3), random.below(3)};
  } while (p.P() < 1 || p.Q() < 1);
  return p;
}

TEST(Gradient, Conv2d) {
  for (uint64_t i = 0; i < 200; i++) {
    Random random({11, Purpose::test, i});
    const Conv2dProblem p = small_conv2d(random);
    Values x = random_vector(random, p.x_shape().count()), w = random_vector(random, p.w_shape().count()),
           b = random_vector(random, p.K), y(size_t(p.y_shape().count()));
    const Values dy = random_vector(random, p.y_shape().count());
    const auto f = [&] {
      conv2d_fprop(p, x.data(), w.data(), b.data(), y.data());
      return dot(y, dy);
    };
    Values dx(x.size()), dw(w.size()), db(b.size());
    conv2d_dgrad(p, dy.data(), w.data(), dx.data(), GradMode::overwrite);
    conv2d_wgrad(p, x.data(), dy.data(), dw.data(), db.data(), GradMode::overwrite);
    expect_gradient(x, dx, f, to_string(p) + " dx");
    expect_gradient(w, dw, f, to_string(p) + " dw");
    expect_gradient(b, db, f, to_string(p) + " db");
  }
}

// <conv(x,w), dy> = <x, dgrad(dy,w)> = <w, wgrad(x,dy)>: the passes are transposes of one trilinear form.
TEST(Gradient, Conv2dIsAdjoint) {
  for (uint64_t i = 0; i < 500; i++) {
    Random random({12, Purpose::test, i});
    const Conv2dProblem p = op_tests::random_conv2d(random);
    const Values x = random_vector(random, p.x_shape().count()),
                 w = random_vector(random, p.w_shape().count()),
                 dy = random_vector(random, p.y_shape().count());
    Values y(dy.size()), dx(x.size()), dw(w.size());
    conv2d_fprop<double>(p, x.data(), w.data(), nullptr, y.data());
    conv2d_dgrad(p, dy.data(), w.data(), dx.data(), GradMode::overwrite);
    conv2d_wgrad<double>(p, x.data(), dy.data(), dw.data(), nullptr, GradMode::overwrite);
    double size = 0;
    for (size_t k = 0; k < y.size(); k++) size += std::fabs(y[k] * dy[k]);
    // 2^-53 a rounding; the sums' lengths are those of the dot products.
    const double budget =
        0x1p-53 * double(y.size() + x.size() + w.size() + size_t(p.reduction())) * (size + 1);
    EXPECT_NEAR(dot(y, dy), dot(x, dx), budget) << to_string(p);
    EXPECT_NEAR(dot(y, dy), dot(w, dw), budget) << to_string(p);
  }
}

TEST(Gradient, Dense) {
  for (uint64_t i = 0; i < 200; i++) {
    Random random({13, Purpose::test, i});
    DenseProblem p;
    p.N = 1 + random.below(4), p.C = 1 + random.below(9), p.K = 1 + random.below(6);
    Values x = random_vector(random, p.N * p.C), w = random_vector(random, p.K * p.C),
           b = random_vector(random, p.K), y(size_t(p.N * p.K)), dx(x.size()), dw(w.size()), db(b.size());
    const Values dy = random_vector(random, p.N * p.K);
    const auto f = [&] {
      reference::dense_fprop(p, x.data(), w.data(), b.data(), y.data());
      return dot(y, dy);
    };
    reference::dense_dgrad(p, dy.data(), w.data(), dx.data(), GradMode::overwrite);
    reference::dense_wgrad(p, x.data(), dy.data(), dw.data(), db.data(), GradMode::overwrite);
    expect_gradient(x, dx, f, to_string(p) + " dx");
    expect_gradient(w, dw, f, to_string(p) + " dw");
    expect_gradient(b, db, f, to_string(p) + " db");
  }
}

TEST(Gradient, Pool2d) {
  for (uint64_t i = 0; i < 200; i++) {
    Random random({14, Purpose::test, i});
    Pool2dProblem p;
    do {
      p = {};
      p.kind = PoolKind(i % 3);
      p.N = 1 + random.below(2), p.C = 1 + random.below(3), p.H = 1 + random.below(8),
      p.W = 1 + random.below(8);
      p.R = 1 + random.below(3), p.S = 1 + random.below(3);
      p.stride_h = 1 + random.below(3), p.stride_w = 1 + random.below(3);
      p.pad = {random.below(uint32_t(p.R)), random.below(uint32_t(p.R)), random.below(uint32_t(p.S)),
               random.below(uint32_t(p.S))};
      p.ceil = random.below(2);
    } while (p.P() < 1 || p.Q() < 1);
    Values x = without_ties(random, p.x_shape().count()), y(size_t(p.y_shape().count())), dx(x.size());
    const Values dy = random_vector(random, p.y_shape().count());
    std::vector<int32_t> argmax(y.size());
    const auto f = [&] {
      reference::pool2d_forward(p, x.data(), y.data(), argmax.data());
      return dot(y, dy);
    };
    f();
    reference::pool2d_backward(p, x.data(), y.data(), argmax.data(), dy.data(), dx.data(),
                               GradMode::overwrite);
    expect_gradient(x, dx, f, to_string(p));
  }
}

TEST(Gradient, BatchNorm) {
  for (uint64_t i = 0; i < 200; i++) {
    Random random({20, Purpose::test, i});
    BatchNormProblem p;
    p.rows = 1 + random.below(12), p.C = 1 + random.below(4);
    if (random.below(2)) p.epsilon = 0.1f;
    Values x = without_ties(random, p.rows * p.C), gamma = random_vector(random, p.C),
           beta = random_vector(random, p.C), y(x.size()), mean(gamma.size()), rstd(gamma.size()),
           running_mean(gamma.size()), running_var(gamma.size());
    for (double& v : x)
      v *= 20;  // deviations of about 1: epsilon is small beside the variance, and h beside x
    const Values dy = random_vector(random, p.rows * p.C);
    const auto f = [&] {
      reference::batchnorm_forward_training(p, x.data(), gamma.data(), beta.data(), y.data(), mean.data(),
                                            rstd.data(), running_mean.data(), running_var.data());
      return dot(y, dy);
    };
    f();
    Values dx(x.size()), dgamma(gamma.size()), dbeta(beta.size());
    reference::batchnorm_backward(p, x.data(), dy.data(), gamma.data(), mean.data(), rstd.data(), dx.data(),
                                  GradMode::overwrite, dgamma.data(), dbeta.data(), GradMode::overwrite);
    expect_gradient(x, dx, f, to_string(p) + " dx");
    expect_gradient(gamma, dgamma, f, to_string(p) + " dgamma");
    expect_gradient(beta, dbeta, f, to_string(p) + " dbeta");
  }
}

TEST(Gradient, EveryActivation) {
  for (int kind = 0; kind < 8; kind++)
    for (uint64_t i = 0; i < 25; i++) {
      Random random({15, Purpose::test, i, uint32_t(kind)});
      Activation a;
      parse_activation(name_of(ActivationKind(kind)), a);
      a.alpha *= random.uniform(0.5f, 2.0f);
      Values x = without_ties(random, 200);
      for (double& v : x) v *= 4;  // -4..4: kinks at 0 are not crossed
      Values slopes;
      for (double v : x)
        // Only what the contract says is read.
        slopes.push_back(derivative_from_output(a.kind)
                             ? reference::activation_slope(a, NAN, reference::activate(a, v))
                             : reference::activation_slope(a, v, NAN));
      expect_gradient(
          x, slopes,
          [&] {
            double sum = 0;
            for (double v : x) sum += reference::activate(a, v);
            return sum;
          },
          name_of(a.kind));
    }
}

TEST(Gradient, Softmax) {
  for (uint64_t i = 0; i < 200; i++) {
    Random random({16, Purpose::test, i});
    const SoftmaxProblem p{1 + random.below(3), 1 + random.below(8)};
    Values x = random_vector(random, p.N * p.K), y(x.size()), dx(x.size());
    const Values dy = random_vector(random, p.N * p.K);
    const auto f = [&] {
      reference::softmax_forward(p, x.data(), y.data());
      return dot(y, dy);
    };
    f();
    reference::softmax_backward(p, y.data(), dy.data(), dx.data(), GradMode::overwrite);
    expect_gradient(x, dx, f, "softmax");
  }
}

TEST(Gradient, Losses) {
  for (uint64_t i = 0; i < 400; i++) {
    Random random({17, Purpose::test, i});
    LossProblem p{LossKind(i % 2), 1 + random.below(4), 1 + random.below(6)};
    if (p.kind == LossKind::softmax_xent && random.below(2)) p.label_smoothing = 0.1f;
    Values y = random_vector(random, p.N * p.K), dy(y.size());
    p.two_labels = random.below(2);
    std::vector<int32_t> labels, counts(2);
    for (int64_t n = 0; n < p.N; n++) {
      labels.push_back(int32_t(random.below(uint32_t(p.K) + 1)) - 1);
      if (p.two_labels)
        labels.insert(labels.end(), {int32_t(random.below(uint32_t(p.K))), int32_t(random.below(65537))});
    }
    double loss = 0;
    const double scale = 0.25;
    const auto f = [&] {
      reference::loss_run<double>(p, y.data(), labels.data(), scale, nullptr, &loss, counts.data());
      return scale * loss;
    };
    reference::loss_run(p, y.data(), labels.data(), scale, dy.data(), &loss, counts.data());
    expect_gradient(y, dy, f, name_of(p.kind));
  }
}

TEST(Gradient, DropoutIsLinearInWhatItKeeps) {
  for (uint64_t i = 0; i < 50; i++) {
    Random random({18, Purpose::test, i});
    const DropoutProblem p{1 + random.below(50), 0.4f};
    const RandomKey key{99, Purpose::dropout, i, 3};
    Values x = random_vector(random, p.count), y(x.size()), dx(x.size());
    const Values dy = random_vector(random, p.count);
    const auto f = [&] {
      reference::dropout_forward(p, key, x.data(), y.data());
      return dot(y, dy);
    };
    reference::dropout_backward(p, key, dy.data(), dx.data(), GradMode::overwrite);
    expect_gradient(x, dx, f, "dropout");
  }
}

TEST(Gradient, FirstBlock) {
  for (uint64_t i = 0; i < 60; i++) {
    Random random({19, Purpose::test, i});
    FirstBlockProblem p;
    p.conv.H = 4 + random.below(4), p.conv.W = 4 + random.below(4), p.conv.C = 1 + random.below(3);
    p.conv.K = 1 + random.below(3), p.conv.R = p.conv.S = 1 + random.below(3);
    p.conv.activation.kind = ActivationKind::relu;
    p.pool.H = p.conv.P(), p.pool.W = p.conv.Q(), p.pool.C = p.conv.K;
    if (random.below(2)) p.pool.stride_h = p.pool.stride_w = 1;  // overlapping windows
    const Values x = random_vector(random, p.conv.x_shape().count()),
                 dy = random_vector(random, p.pool.y_shape().count());
    Values w = random_vector(random, p.conv.w_shape().count()), b = random_vector(random, p.conv.K);
    Values y(dy.size()), dw(w.size()), db(b.size());
    std::vector<uint8_t> argmax(y.size());
    const auto f = [&] {
      reference::first_block_forward(p, x.data(), w.data(), b.data(), y.data(), nullptr);
      return dot(y, dy);
    };
    // Sums of random numbers do not tie to 1e-6; the seeds are fixed, so if one did, it would do so always.
    reference::first_block_forward(p, x.data(), w.data(), b.data(), y.data(), argmax.data());
    reference::first_block_backward(p, x.data(), argmax.data(), dy.data(), dw.data(), db.data());
    expect_gradient(w, dw, f, to_string(p) + " dw");
    expect_gradient(b, db, f, to_string(p) + " db");
  }
}

}  // namespace
}  // namespace gabor
