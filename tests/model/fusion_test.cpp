#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "model/nets.h"
#include "model/plain_pooling.h"

namespace gabor {
namespace {

std::vector<std::string> ops_of(const Plan& plan) {
  std::vector<std::string> out;
  for (const auto& s : plan.steps) out.emplace_back(s->op());
  return out;
}

TEST(Fusion, ArticleBecomesThreeSteps) {
  const auto library = make_library("cpu", 0);
  PlanOptions o;
  o.batch = 2;
  const Plan plan = compile(find_model("article"), *library, o);
  EXPECT_EQ(ops_of(plan), (std::vector<std::string>{"first_block", "dense", "softmax_cross_entropy"}));
  o.fuse = false;
  EXPECT_EQ(ops_of(compile(find_model("article"), *library, o)),
            (std::vector<std::string>{"normalize", "conv2d", "activation", "pool2d", "dense",
                                      "softmax_cross_entropy"}));
}

TEST(Fusion, KeepsWhatOthersRead) {
  const auto library = make_library("cpu", 0);
  PlanOptions o;
  o.batch = 2;
  o.input = {8, 8, 3};
  o.classes = 2;
  // The convolution's activation is read twice: the pooling must stay a step of its own.
  const Plan plan = testing::compile_text(
      "[[layer]]\ntype = \"conv2d\"\nname = \"c\"\nfilters = 2\nkernel = 3\nactivation = "
      "\"relu\"\n[[layer]]\ntype = \"pool2d\"\nname = \"p\"\nkind = \"max\"\nsize = 2\n"
      "[[layer]]\ntype = \"pool2d\"\nname = \"q\"\nkind = \"average\"\nsize = 2\nfrom = "
      "\"c\"\n[[layer]]\ntype = \"add\"\nfrom = [\"p\", \"q\"]\n[[layer]]\ntype = "
      "\"flatten\"\n[[layer]]\ntype = \"dense\"\nunits = 2\n",
      *library, o);
  EXPECT_EQ(ops_of(plan), (std::vector<std::string>{"normalize", "conv2d", "pool2d", "pool2d", "add", "dense",
                                                    "softmax_cross_entropy"}));
  EXPECT_EQ(plan.fusions, std::vector<std::string>{"c: conv2d+relu in one pass"});
}

PlanOptions pooled_options() {
  PlanOptions o;
  o.batch = 4, o.input = {12, 12, 3}, o.classes = 2, o.input_dtype = DType::f32;
  return o;
}

// The choices of the activations' backward.
int activation_choices(const Plan& plan) {
  int found = 0;
  for (const ChoiceRecord& c : plan.choices) found += c.where.ends_with(" activation");
  return found;
}

TEST(Fusion, MaxPoolingGoesBackThroughTheReluBeforeIt) {
  const auto library = make_library("cpu", 0);
  PlanOptions o = pooled_options();
  const Plan plan = testing::compile_text(testing::kPooledNet, *library, o);
  ASSERT_GE(plan.fusions.size(), 2u);
  EXPECT_EQ(plan.fusions[plan.fusions.size() - 2], "p: pool2d goes back through the relu of a");
  EXPECT_EQ(plan.fusions.back(), "q: pool2d goes back through the relu of b");
  EXPECT_EQ(activation_choices(plan), 1);  // the first convolution's: no pooling reads it
  const Library plain({std::make_shared<testing::WithPlainPooling>(library->backends()[0])});
  const Plan apart = testing::compile_text(testing::kPooledNet, plain, o);
  EXPECT_EQ(apart.fusions.size(), plan.fusions.size() - 2);
  EXPECT_EQ(activation_choices(apart), 3);
  EXPECT_LT(plan.memory.arena_bytes, apart.memory.arena_bytes);  // the maps before pooling are not kept
  // Another backend's pooling is no better than a pass of its own; and there is no backward but in training.
  const Library mixed({plain.backends()[0], library->backends()[1]});
  EXPECT_EQ(testing::compile_text(testing::kPooledNet, mixed, o).fusions, apart.fusions);
  o.training = false;
  EXPECT_EQ(testing::compile_text(testing::kPooledNet, *library, o).fusions, apart.fusions);
}

TEST(Fusion, GradientsThroughPooledReluAreTheSameBits) {
  PlanOptions o = pooled_options();
  const Shape shape = o.input.prepend(o.batch);
  const auto pictures = testing::random_floats(shape.count(), 5);
  const std::vector<int32_t> labels = {0, 1, 1, 0};
  const auto gradients = [&](const Library& library) {
    const Plan plan = testing::compile_text(testing::kPooledNet, library, o);
    Parameters parameters(library.device(), plan.parameters, plan.parameter_elements, true);
    parameters.initialize(7);
    Executor executor(plan, library.device(), parameters, 7);
    executor.forward({pictures.data(), shape, DType::f32}, {labels.data(), {o.batch}, DType::i32}, 0.25f, {});
    executor.backward();
    const float* g = parameters.grads().as<float>();
    return std::vector<float>(g, g + parameters.elements());
  };
  for (const char* backend : {"reference", "cpu"}) {
    const auto library = make_library(backend, 0);
    const Library plain({std::make_shared<testing::WithPlainPooling>(library->backends()[0])});
    for (const size_t limit : {kNoArenaLimit, size_t{0}}) {  // 0: what can be dropped is computed again
      o.arena_limit = limit;
      const std::vector<float> got = gradients(*library), want = gradients(plain);
      ASSERT_EQ(got.size(), want.size());
      EXPECT_EQ(std::memcmp(got.data(), want.data(), want.size() * sizeof(float)), 0) << backend;
      EXPECT_GT(std::count_if(want.begin(), want.end(), [](float g) { return g != 0; }), 100);
    }
  }
}

TEST(Fusion, BatchNormTakesItsReluAlongWhereItsBackendCan) {
  const auto library = make_library("cpu", 0);
  const auto net = [](const std::string& activation) {
    return "[[layer]]\ntype = \"batchnorm\"\nname = \"n\"\n[[layer]]\ntype = \"activation\"\nkind = \"" +
           activation + "\"\n[[layer]]\ntype = \"flatten\"\n[[layer]]\ntype = \"dense\"\nunits = 2\n";
  };
  PlanOptions o;
  o.batch = 4, o.input = {6, 6, 3}, o.classes = 2;
  for (const bool training : {true, false}) {
    o.training = training;
    EXPECT_EQ(ops_of(testing::compile_text(net("relu"), *library, o))[1], "batchnorm");
    EXPECT_EQ(ops_of(testing::compile_text(net("relu"), *library, o))[2], "dense");
    // cpu's has no tanh: the reference backend, which has it, must not take its place.
    EXPECT_EQ(ops_of(testing::compile_text(net("tanh"), *library, o))[2], "activation");
  }
  const Plan fused = testing::compile_text(net("relu"), *library, o);
  ASSERT_EQ(fused.fusions.size(), 1u);
  EXPECT_EQ(fused.fusions[0], "n: batchnorm+relu in one pass");
}

std::string dense(int units, const std::string& rest) {
  return "[[layer]]\ntype = \"dense\"\nunits = " + std::to_string(units) + "\n" + rest;
}
const std::string kRelu = "activation = \"relu\"\n", kFlatten = "[[layer]]\ntype = \"flatten\"\n",
                  kPool = "[[layer]]\nname = \"p\"\ntype = \"pool2d\"\nkind = \"max\"\n",
                  kConv = "[[layer]]\ntype = \"conv2d\"\nfilters = 2\nkernel = 3\nactivation = \"tanh\"\n";

TEST(Fusion, TheEndOfASmallNetBecomesAHead) {
  const auto library = make_library("reference", 0);
  PlanOptions o;
  o.batch = 2, o.input = {8, 8, 3}, o.classes = 2;
  const auto ops = [&](const std::string& net) {
    std::vector<std::string> all = ops_of(testing::compile_text(net, *library, o));
    all.erase(all.begin(), all.begin() + 2);  // normalize, conv2d+tanh
    return all;
  };
  using Ops = std::vector<std::string>;
  const std::string middle = kConv + kPool + kFlatten + dense(5, kRelu);
  EXPECT_EQ(ops(middle + dense(2, "")), (Ops{"head"}));
  EXPECT_EQ(testing::compile_text(middle + dense(2, ""), *library, o).fusions.back(),
            "dense_1: max_pool+dense+dense+softmax_cross_entropy -> head (reference)");
  // More layers than a head has, and what it does not have.
  EXPECT_EQ(ops(middle + dense(5, kRelu) + dense(5, kRelu) + dense(5, kRelu) + dense(2, "")),
            (Ops{"pool2d", "dense", "head"}));
  EXPECT_EQ(ops(kConv + kFlatten + dense(5, "activation = \"tanh\"\n") + dense(2, "")),
            (Ops{"dense", "head"}));
  EXPECT_EQ(ops(middle + "[[layer]]\ntype = \"dropout\"\nrate = 0.5\n" + dense(2, "")),
            (Ops{"pool2d", "dense", "dropout", "head"}));
  EXPECT_EQ(ops(middle + dense(2, kRelu)), (Ops{"pool2d", "dense", "dense", "softmax_cross_entropy"}));
  const std::string average = "[[layer]]\ntype = \"pool2d\"\nkind = \"average\"\n";
  EXPECT_EQ(ops(kConv + average + kFlatten + dense(2, "")), (Ops{"pool2d", "head"}));
  o.loss = LossKind::mse;
  EXPECT_EQ(ops(middle + dense(2, "")), (Ops{"pool2d", "dense", "dense", "mse"}));
}

// What is read twice stays a step; so does a layer that another backend is asked for, and all of them where validation needs
// probabilities beside the loss.
TEST(Fusion, AHeadLeavesWhatOthersNeed) {
  const auto library = make_library("cpu", 0);
  PlanOptions o;
  o.batch = 2, o.input = {8, 8, 3}, o.classes = 2;
  const std::string reference = "backend = \"reference\"\n";
  const auto last = [&](const std::string& net) {
    return ops_of(testing::compile_text(net, *library, o)).back();
  };
  EXPECT_EQ(last(kConv + kFlatten + dense(5, kRelu) + dense(2, "")),
            "softmax_cross_entropy");  // cpu has none
  EXPECT_EQ(last(kConv + kFlatten + dense(2, reference)), "head");
  const std::string branches = kFlatten + dense(2, "name = \"a\"\n" + reference) +
                               dense(2, "name = \"b\"\n" + reference) +
                               "[[layer]]\ntype = \"add\"\nfrom = [\"a\", \"b\"]\n";
  EXPECT_EQ(last(branches), "softmax_cross_entropy");
  const Plan twice = testing::compile_text(branches + dense(2, reference), *library, o);
  EXPECT_EQ(ops_of(twice).back(), "head");
  EXPECT_EQ(ops_of(twice)[ops_of(twice).size() - 2], "add");
  o.training = false;
  EXPECT_EQ(last(kConv + kFlatten + dense(2, reference)), "softmax_cross_entropy");
}

// The reference computes a head's parts by their own formulas: not a bit differs, in parts (the last of them smaller, the first
// larger than a chunk) or not.
TEST(Fusion, AHeadOfTheReferenceHasTheBitsOfItsParts) {
  constexpr int64_t kBatch = 37, kRest = 3;
  for (const bool two_labels : {false, true}) {
    std::vector<int32_t> labels;
    for (int32_t n = 0; n < kBatch; n++) {
      labels.push_back(n % 7 == 3 ? -1 : n % 10);
      if (two_labels) labels.push_back((n + 1) % 10), labels.push_back(n * 1500);
    }
    std::vector<float> grads[2];
    float losses[2] = {};
    for (const bool fuse : {false, true}) {
      PlanOptions o;
      o.batch = kBatch, o.classes = 10, o.fuse = fuse, o.label_smoothing = 0.1f, o.two_labels = two_labels;
      testing::Net net(to_toml(find_model("lenet5")), "reference", o, 11);
      EXPECT_EQ(std::string(net.plan.steps.back()->op()), fuse ? "head" : "softmax_cross_entropy");
      const auto pixels = testing::random_bytes(kBatch * 28 * 28, 3);
      for (const uint32_t part : {0u, 1u}) {
        const int64_t rows = part == 0 ? kBatch : kRest;
        net.executor.forward({pixels.data(), {rows, 28, 28, 1}, DType::u8},
                             {labels.data(), two_labels ? Shape{rows, 3} : Shape{rows}, DType::i32},
                             1.0f / (kBatch + kRest), {.micro_batch = part});
        net.executor.backward();
        losses[fuse] += net.executor.loss_sum();
      }
      const float* g = net.parameters.grads().as<float>();
      grads[fuse].assign(g, g + net.parameters.elements());
    }
    EXPECT_GT(losses[0], 0);
    EXPECT_EQ(losses[0], losses[1]);
    EXPECT_EQ(grads[0], grads[1]);
  }
}

// Fused and unfused plans, and both backends, give the same loss and gradients within rounding.
TEST(Fusion, ChangesNoNumbers) {
  for (const std::string& name :
       {std::string("article"), std::string("lenet5"), std::string("vgg-bn"), std::string("vgg-small")}) {
    PlanOptions o;
    o.batch = 5;
    o.classes = 4;
    o.input = name == "lenet5" ? Shape{28, 28, 1} : Shape{32, 32, 3};
    o.normalize.scale = {1 / 255.f, 1 / 255.f, 1 / 255.f, 1};
    o.normalize.shift = {-0.5f, -0.4f, -0.3f, 0};
    const auto pixels = testing::random_bytes(o.batch * o.input.count(), 3);
    const std::vector<int32_t> labels = {0, 1, 2, 3, -1};
    std::vector<double> losses;
    std::vector<std::vector<float>> grads;
    for (const auto& [backend, fuse] :
         {std::pair{"reference", false}, {"reference", true}, {"cpu", false}, {"cpu", true}}) {
      o.fuse = fuse;
      testing::Net net(to_toml(find_model(name)), backend, o, 11);
      net.executor.forward({pixels.data(), o.input.prepend(o.batch), DType::u8},
                           {labels.data(), {o.batch}, DType::i32}, 0.25f, {});
      net.executor.backward();
      EXPECT_EQ(net.executor.counted(), 4);
      losses.push_back(net.executor.loss_sum());
      const float* g = net.parameters.grads().as<float>();
      grads.emplace_back(g, g + net.parameters.elements());
    }
    double norm = 0;
    for (float g : grads[0]) norm += double(g) * g;
    ASSERT_GT(norm, 0);
    for (size_t v = 1; v < losses.size(); v++) {
      EXPECT_NEAR(losses[v], losses[0], 1e-4 * std::fabs(losses[0])) << name << " " << v;
      double difference = 0;
      for (size_t i = 0; i < grads[0].size(); i++)
        difference += std::pow(double(grads[v][i]) - grads[0][i], 2);
      EXPECT_LT(std::sqrt(difference / norm), 1e-4) << name << " " << v;
    }
  }
}

}  // namespace
}  // namespace gabor
