#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "model/nets.h"
#include "optim/optimizer_state.h"

namespace gabor {
namespace {

// Every layer type but flatten, smooth throughout; kKinked has flatten, max pooling and the activations with a kink.
const char* kEveryLayer =
    "[[layer]]\ntype = \"conv2d\"\nname = \"a\"\nfilters = 4\nkernel = 3\npadding = \"same\"\nactivation = "
    "\"tanh\"\n"
    "[[layer]]\ntype = \"conv2d\"\nname = \"b\"\nfilters = 4\nkernel = [3, 2]\npadding = [1, 1, 0, "
    "1]\ngroups = 2\nactivation = \"silu\"\n"
    "[[layer]]\ntype = \"add\"\nfrom = [\"a\", \"b\"]\n"
    "[[layer]]\ntype = \"pool2d\"\nkind = \"l2\"\n"
    "[[layer]]\ntype = \"batchnorm\"\nname = \"norm\"\nepsilon = 0.01\n"
    "[[layer]]\ntype = \"conv2d\"\nfilters = 6\nkernel = 2\ndilation = 2\nstride = 1\nactivation = \"gelu\"\n"
    "[[layer]]\ntype = \"pool2d\"\nkind = \"average\"\nsize = 2\nstride = 1\n"
    "[[layer]]\ntype = \"activation\"\nkind = \"elu\"\n"
    "[[layer]]\ntype = \"dropout\"\nrate = 0.25\n"
    "[[layer]]\ntype = \"global_pool\"\nkind = \"average\"\n"
    "[[layer]]\ntype = \"dense\"\nunits = 7\nactivation = \"sigmoid\"\n"
    "[[layer]]\ntype = \"dense\"\nunits = 3\nactivation = \"softmax\"\n";

const char* kKinked =
    "[[layer]]\ntype = \"conv2d\"\nfilters = 4\nkernel = 3\nactivation = \"relu\"\n"
    "[[layer]]\ntype = \"pool2d\"\nkind = \"max\"\nsize = 2\nrounding = \"ceil\"\n"
    "[[layer]]\ntype = \"flatten\"\n"
    "[[layer]]\ntype = \"dense\"\nunits = 7\nactivation = \"leaky_relu\"\nalpha = 0.3\n"
    "[[layer]]\ntype = \"dense\"\nunits = 3\nactivation = \"softmax\"\n";

const char* kFlat =
    "[[layer]]\ntype = \"flatten\"\n"
    "[[layer]]\ntype = \"dense\"\nunits = 3\nactivation = \"softmax\"\n";

// The usual order: a convolution without bias, its normalisation, ReLU; and one of a vector.
const char* kNormalised =
    "[[layer]]\ntype = \"conv2d\"\nfilters = 4\nkernel = 3\nbias = false\n"
    "[[layer]]\ntype = \"batchnorm\"\nname = \"map\"\n"
    "[[layer]]\ntype = \"activation\"\nkind = \"relu\"\n"
    "[[layer]]\ntype = \"global_pool\"\nkind = \"average\"\n"
    "[[layer]]\ntype = \"batchnorm\"\nname = \"vector\"\nepsilon = 0.1\n"
    "[[layer]]\ntype = \"dense\"\nunits = 3\nactivation = \"softmax\"\n";

struct Pictures {
  explicit Pictures(int64_t n, Shape input, int classes)
      : shape(input.prepend(n)), x(testing::random_floats(shape.count(), 77)) {
    for (int64_t i = 0; i < n; i++) labels.push_back(int32_t(i % classes));
  }
  ConstTensorView view() const { return {x.data(), shape, DType::f32}; }
  ConstTensorView label_view() const { return {labels.data(), {int64_t(labels.size())}, DType::i32}; }
  Shape shape;
  std::vector<float> x;
  std::vector<int32_t> labels;
};

// Directional derivative of the whole net by central differences against the gradient of the executor.
TEST(Executor, GradientOfAWholeNetByFiniteDifferences) {
  for (const auto& [toml, loss] : {std::pair{kEveryLayer, LossKind::softmax_xent},
                                   {kFlat, LossKind::softmax_xent},
                                   {kEveryLayer, LossKind::mse},
                                   {kKinked, LossKind::softmax_xent},
                                   {kKinked, LossKind::mse},
                                   {kNormalised, LossKind::softmax_xent},
                                   {kNormalised, LossKind::mse}})
    for (const char* backend : {"reference", "cpu"}) {
      PlanOptions o;
      o.batch = 4;
      o.input = {9, 8, 3};
      o.classes = 3;
      o.loss = loss;
      o.input_dtype = DType::f32;
      testing::Net net(toml, backend, o, 21);
      const Pictures data(4, o.input, 3);
      auto loss_at = [&] {
        net.executor.forward(data.view(), data.label_view(), 0.25f, {.step = 3});
        return double(net.executor.loss_sum()) / 4;
      };
      loss_at();
      net.executor.backward();
      const std::vector<float> g(net.parameters.grads().as<float>(),
                                 net.parameters.grads().as<float>() + net.parameters.elements());
      float* w = net.parameters.values().as<float>();
      const std::vector<float> w0(w, w + net.parameters.elements());
      for (const ParameterDecl& d : net.plan.parameters) {
        if (!d.trainable) continue;
        // Along the gradient itself: only the true gradient has a slope there that equals its own length.
        double length = 0;
        for (int64_t i = 0; i < d.shape.count(); i++) length += std::pow(double(g[size_t(d.offset + i)]), 2);
        length = std::sqrt(length);
        ASSERT_GT(length, 1e-3) << d.name;
        const double h = 1e-2;
        double value[2];
        for (int side = 0; side < 2; side++) {
          for (int64_t i = 0; i < d.shape.count(); i++)
            w[d.offset + i] =
                float(w0[size_t(d.offset + i)] + (side ? h : -h) * g[size_t(d.offset + i)] / length);
          value[side] = loss_at();
        }
        std::copy(w0.begin(), w0.end(), w);
        const double numeric = (value[1] - value[0]) / (2 * h);
        EXPECT_NEAR(numeric, length, 0.01 * length + 3e-5) << backend << " " << d.name;
      }
    }
}

TEST(Executor, SmallerBatchEqualsItsPartOfALargerOne) {
  PlanOptions o;
  o.batch = 6;
  o.input = {12, 12, 3};
  o.classes = 3;
  o.input_dtype = DType::f32;
  o.training = false;
  testing::Net net(kEveryLayer, "cpu", o);
  const Pictures data(6, o.input, 3);
  net.executor.forward(data.view(), data.label_view(), 0, {});
  const TensorView all = net.executor.output();
  const std::vector<float> whole(all.as<float>(), all.as<float>() + all.count());
  const ConstTensorView two{data.x.data(), o.input.prepend(2), DType::f32};
  net.executor.forward(two, {data.labels.data(), {2}, DType::i32}, 0, {});
  const TensorView part = net.executor.output();
  ASSERT_EQ(part.count(), 6);
  for (int i = 0; i < 6; i++) EXPECT_NEAR(part.as<float>()[i], whole[size_t(i)], 1e-6);
}

// Training takes the statistics of each batch, a smaller one too, and moves the running ones; evaluation takes the
// running ones, sample by sample, and changes nothing.
TEST(Executor, BatchNormInTrainingAndEvaluation) {
  for (const char* backend : {"reference", "cpu"}) {
    PlanOptions o;
    o.batch = 4;
    o.input = {2, 2, 2};
    o.classes = 8;
    o.loss = LossKind::mse;  // the net's own output is scored
    o.input_dtype = DType::f32;
    const std::string text =
        "[[layer]]\ntype = \"batchnorm\"\nname = \"norm\"\nmomentum = 0.25\nepsilon = 1e-6\n"
        "[[layer]]\ntype = \"flatten\"\n";
    testing::Net net(text, backend, o);
    const Pictures data(4, o.input, 8);
    double mean[2] = {0, 0}, var[2] = {1, 1};
    for (const int64_t n : {4, 3}) {
      net.executor.forward({data.x.data(), o.input.prepend(n), DType::f32},
                           {data.labels.data(), {n}, DType::i32}, 1.0f / float(n), {});
      net.executor.backward();
      const float* y = net.executor.output().as<float>();
      for (int c = 0; c < 2; c++) {
        double sum = 0, squares = 0, y_sum = 0, y_squares = 0;
        for (int64_t i = c; i < 8 * n; i += 2) sum += data.x[size_t(i)], y_sum += y[i];
        const double m = sum / double(4 * n);
        for (int64_t i = c; i < 8 * n; i += 2)
          squares += std::pow(data.x[size_t(i)] - m, 2), y_squares += std::pow(y[i], 2);
        mean[c] = 0.75 * mean[c] + 0.25 * m;
        var[c] = 0.75 * var[c] + 0.25 * squares / double(4 * n - 1);
        EXPECT_NEAR(y_sum / double(4 * n), 0, 1e-6);
        EXPECT_NEAR(y_squares / double(4 * n), 1, 1e-4);
        EXPECT_NEAR(net.executor.value("norm.running_mean").as<float>()[c], mean[c], 1e-6) << backend;
        EXPECT_NEAR(net.executor.value("norm.running_var").as<float>()[c], var[c], 1e-6) << backend;
      }
    }
    o.training = false;
    const Plan plan = testing::compile_text(text, *net.library, o);
    Executor evaluation(plan, net.library->device(), net.parameters, 1);
    evaluation.forward(data.view(), data.label_view(), 0, {});
    for (size_t i = 0; i < data.x.size(); i++)
      EXPECT_NEAR(evaluation.output().as<float>()[i],
                  (data.x[i] - mean[i % 2]) / std::sqrt(var[i % 2] + 1e-6), 1e-5);
    EXPECT_NEAR(evaluation.value("norm.running_mean").as<float>()[0], mean[0], 1e-6);
    EXPECT_NEAR(evaluation.value("norm.running_var").as<float>()[0], var[0], 1e-6);
  }
}

TEST(Executor, TheOptimizerLeavesRunningStatisticsAlone) {
  PlanOptions o;
  o.batch = 4;
  o.input = {9, 8, 3};
  o.classes = 3;
  o.input_dtype = DType::f32;
  testing::Net net(kNormalised, "cpu", o);
  EXPECT_EQ(net.plan.trainable_count(), net.plan.parameter_count() - 2 * (4 + 4));
  OptimizerProblem sgd;
  sgd.kind = OptimizerKind::sgd, sgd.weight_decay = 0.5f;
  OptimizerState optimizer(*net.library, sgd, net.parameters.segments(), net.parameters.elements());
  const Pictures data(4, o.input, 3);
  net.executor.forward(data.view(), data.label_view(), 0.25f, {});
  EXPECT_THROW(optimizer.update(net.executor.context(), net.parameters.values(), net.parameters.grads()),
               Error);  // of what number, at what rate?
  net.executor.forward(data.view(), data.label_view(), 0.25f, {.update = optimizer.advance(0.5f)});
  net.executor.backward();
  std::fill_n(net.parameters.grads().as<float>(), net.parameters.elements(), 1.0f);
  const float* w = net.parameters.values().as<float>();
  const std::vector<float> before(w, w + net.parameters.elements());
  optimizer.update(net.executor.context(), net.parameters.values(), net.parameters.grads());
  for (const ParameterDecl& d : net.plan.parameters)
    for (int64_t i = d.offset; i < d.offset + d.shape.count(); i++) {
      // gamma and beta are trained, but not decayed.
      const float decay = d.name.ends_with("weight") ? 0.5f * before[size_t(i)] : 0;
      EXPECT_FLOAT_EQ(w[i], d.trainable ? before[size_t(i)] - 0.5f * (1 + decay) : before[size_t(i)])
          << d.name;
    }
}

TEST(Executor, RefusesABatchThatDoesNotFit) {
  PlanOptions o;
  o.batch = 2;
  o.input = {12, 12, 3};
  o.classes = 3;
  o.input_dtype = DType::f32;
  testing::Net net(kEveryLayer, "reference", o);
  const Pictures data(3, o.input, 3);
  EXPECT_NE(testing::error_of([&] {
              net.executor.forward(data.view(), data.label_view(), 1, {});
            }).find("does not fit the plan"),
            std::string::npos);
}

// The team's size belongs to the calling thread in OpenMP; a workspace made for one thread must not meet a team of two.
TEST(Executor, RunsOnAnotherThreadThanItWasMadeOn) {
  PlanOptions o;
  o.batch = 4;
  o.input = {32, 32, 3};
  o.classes = 2;
  const auto pixels = testing::random_bytes(4 * 32 * 32 * 3, 8);
  const std::vector<int32_t> labels = {0, 1, 0, 1};
  double here = 0, there = 0;
  std::thread maker([&] {
    set_max_threads(1);
    testing::Net net(to_toml(find_model("article")), "cpu", o);
    auto loss = [&] {
      net.executor.forward({pixels.data(), {4, 32, 32, 3}, DType::u8}, {labels.data(), {4}, DType::i32},
                           0.25f, {});
      net.executor.backward();
      return double(net.executor.loss_sum());
    };
    here = loss();
    std::thread user([&] {
      set_max_threads(3);
      there = loss();
    });
    user.join();
  });
  maker.join();
  EXPECT_GT(here, 0);
  EXPECT_EQ(here, there);
}

// RELIABILITY 8: overfits 32 samples with every layer type present.
TEST(Executor, OverfitsAFewSamples) {
  PlanOptions o;
  o.batch = 32;
  o.input = {9, 8, 3};
  o.classes = 3;
  o.input_dtype = DType::f32;
  std::string net_text = kEveryLayer;
  net_text.replace(net_text.find("rate = 0.25"), 11, "rate = 0.0");
  testing::Net net(net_text, "cpu", o, 2);
  OptimizerProblem adam;
  OptimizerState optimizer(*net.library, adam, net.parameters.segments(), net.parameters.elements());
  const Pictures data(32, o.input, 3);
  double loss = 0;
  for (int step = 0; step < 600; step++) {
    net.executor.forward(data.view(), data.label_view(), 1.0f / 32,
                         {.step = uint64_t(step), .update = optimizer.advance(0.02f)});
    loss = net.executor.loss_sum() / 32;
    net.executor.backward();
    optimizer.update(net.executor.context(), net.parameters.values(), net.parameters.grads());
  }
  EXPECT_LT(loss, 1e-2);
  EXPECT_EQ(net.executor.correct(), 32);
}

}  // namespace
}  // namespace gabor
