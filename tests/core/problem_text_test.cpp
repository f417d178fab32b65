// Problems as one-line strings: the form of logs, problem files and bug reports.
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/philox.h"
#include "core/problem/batchnorm.h"
#include "core/problem/conv2d.h"
#include "core/problem/dense.h"
#include "core/problem/first_block.h"
#include "core/problem/head.h"
#include "core/problem/pool2d.h"

namespace gabor {
namespace {

template <class Parse>
std::string message(Parse&& parse) {
  try {
    parse();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::usage);
    return e.what();
  }
  return "no error";
}

TEST(ProblemText, Conv2dReadsAndWrites) {
  const std::string line = "N=32 H=300 W=300 C=3 K=10 R=5 S=5 pad=0,0 stride=1,1";
  const Conv2dProblem p = parse_conv2d(line);
  EXPECT_EQ(p.N, 32);
  EXPECT_EQ(p.P(), 296);
  EXPECT_EQ(to_string(p), line);
  const std::string full = "N=2 H=9 W=11 C=4 K=6 R=3 S=2 pad=1,0,2,1 stride=2,1 dil=1,2 groups=2 act=relu";
  EXPECT_EQ(to_string(parse_conv2d(full)), full);
  // Any order; one number for both directions.
  EXPECT_EQ(parse_conv2d("stride=2 pad=1 H=9 W=9 R=3 S=3 C=2 K=2 N=1"),
            parse_conv2d("N=1 H=9 W=9 C=2 K=2 R=3 S=3 pad=1,1 stride=2,2"));
}

TEST(ProblemText, Conv2dRoundTrip) {
  for (uint64_t i = 0; i < 2000; i++) {
    Random random({41, Purpose::test, i});
    Conv2dProblem p;
    p.groups = 1 + random.below(3);
    p.N = 1 + random.below(40), p.C = p.groups * (1 + random.below(9)),
    p.K = p.groups * (1 + random.below(9));
    p.H = 20 + random.below(300), p.W = 20 + random.below(300), p.R = 1 + random.below(7),
    p.S = 1 + random.below(7);
    p.stride_h = 1 + random.below(3), p.stride_w = 1 + random.below(3);
    p.dil_h = 1 + random.below(3), p.dil_w = 1 + random.below(3);
    p.pad = {random.below(3), random.below(3), random.below(3), random.below(3)};
    parse_activation(name_of(ActivationKind(random.below(8))), p.activation);
    EXPECT_EQ(parse_conv2d(to_string(p)), p) << to_string(p);
  }
}

TEST(ProblemText, Pool2dRoundTrip) {
  const std::string line = "max N=8 H=296 W=296 C=10 R=2 S=2 pad=0,0 stride=2,2 ceil relu";
  EXPECT_EQ(to_string(parse_pool2d(line)), line);
  EXPECT_EQ(parse_pool2d(line).argmax_dtype(), DType::u8);
  EXPECT_EQ(parse_pool2d("max H=17 W=17 R=17 S=17").argmax_dtype(), DType::i32);
  for (uint64_t i = 0; i < 1000; i++) {
    Random random({42, Purpose::test, i});
    Pool2dProblem p;
    p.kind = PoolKind(random.below(3));
    p.N = 1 + random.below(9), p.H = 9 + random.below(99), p.W = 9 + random.below(99),
    p.C = 1 + random.below(99);
    p.R = 1 + random.below(7), p.S = 1 + random.below(7);
    p.stride_h = 1 + random.below(3), p.stride_w = 1 + random.below(3);
    p.pad = {random.below(uint32_t(p.R)), random.below(uint32_t(p.R)), random.below(uint32_t(p.S)),
             random.below(uint32_t(p.S))};
    p.ceil = random.below(2);
    p.relu = p.kind == PoolKind::max && random.below(2);
    EXPECT_EQ(parse_pool2d(to_string(p)), p) << to_string(p);
  }
}

TEST(ProblemText, OtherProblemsPrint) {
  DenseProblem dense;
  dense.N = 32, dense.C = 219040, dense.K = 2;
  EXPECT_EQ(to_string(dense), "N=32 C=219040 K=2");
  dense.activation.kind = ActivationKind::tanh;
  EXPECT_EQ(to_string(dense), "N=32 C=219040 K=2 act=tanh");
  EXPECT_EQ(to_string(BatchNormProblem{.rows = 2048, .C = 32}), "rows=2048 C=32 epsilon=1e-05 momentum=0.1");
  EXPECT_EQ(to_string(BatchNormProblem{.C = 32, .activation = {ActivationKind::relu}}),
            "rows=1 C=32 epsilon=1e-05 momentum=0.1 act=relu");
  const std::string first = to_string(FirstBlockProblem{});
  EXPECT_EQ(first.rfind("u8 N=1", 0), 0u) << first;
  EXPECT_NE(first.find(" | max N=1"), std::string::npos) << first;
}

TEST(ProblemText, AHeadPrintsAndSaysWhatDoesNotFit) {
  HeadProblem p;
  p.N = 8, p.layers = 2;
  p.pool = parse_pool2d("max N=8 H=4 W=4 C=3");
  p.dense[0] = {.N = 8, .C = 12, .K = 5, .activation = {ActivationKind::relu, 0}};
  p.dense[1] = {.N = 8, .C = 5, .K = 2, .activation = {}};
  EXPECT_EQ(fault_of(p), "");
  EXPECT_EQ(p.weights(), 70);
  EXPECT_EQ(to_string(p),
            to_string(*p.pool) + " | N=8 C=12 K=5 act=relu | N=8 C=5 K=2 | labels=1 label_smoothing=0");
  const auto fault = [&p](auto&& change) {
    HeadProblem other = p;
    change(other);
    return fault_of(other);
  };
  EXPECT_EQ(fault([](HeadProblem& q) { q.layers = 0; }), "0 dense layers; a head has 1 to 4");
  EXPECT_EQ(fault([](HeadProblem& q) { q.pool->kind = PoolKind::l2; }), "the pooling is not max");
  EXPECT_EQ(fault([](HeadProblem& q) { q.pool->C = 2; }), "pooling does not fit the first layer");
  EXPECT_EQ(fault([](HeadProblem& q) { q.dense[1].C = 6; }), "dense layer 2 does not fit what is before it");
  EXPECT_EQ(fault([](HeadProblem& q) { q.dense[0].activation.kind = ActivationKind::tanh; }),
            "the activation is not relu");
  EXPECT_EQ(fault([](HeadProblem& q) { q.layers = 1; }), "an activation before the softmax");
}

TEST(ProblemText, MistakesAreNamed) {
  EXPECT_EQ(message([] { parse_conv2d("N=1 H=5 W=5 kernel=3"); }),
            "problem: unknown word 'kernel=3' in 'N=1 H=5 W=5 kernel=3'");
  EXPECT_EQ(message([] { parse_conv2d("N=1x"); }), "problem: 'N=1x': expected whole numbers");
  EXPECT_EQ(message([] { parse_conv2d("N=1,2"); }), "problem: 'N=1,2': expected one number");
  EXPECT_EQ(message([] { parse_conv2d("stride=1,2,3"); }),
            "problem: 'stride=1,2,3': expected one or two numbers");
  EXPECT_EQ(message([] { parse_conv2d("pad=1,2,3"); }), "problem: 'pad=1,2,3': expected 1, 2 or 4 numbers");
  EXPECT_EQ(message([] { parse_conv2d("act=rleu"); }), "problem: unknown word 'act=rleu' in 'act=rleu'");
  EXPECT_EQ(message([] { parse_conv2d("H=2 W=2 R=3 S=3"); }),
            "problem: a 3x3 kernel (dilation 1,1) does not fit the 2x2 input with padding 0,0");
  EXPECT_EQ(message([] { parse_conv2d("C=4 K=6 groups=3"); }),
            "problem: groups=3 must divide the input channels 4 and the filters 6");
  EXPECT_EQ(message([] { parse_conv2d("N=0"); }), "problem: N is 0; must be at least 1");
  EXPECT_EQ(message([] { BatchNormProblem{.rows = 0}.check("problem"); }),
            "problem: rows is 0; must be at least 1");
  EXPECT_EQ(message([] { BatchNormProblem{.epsilon = 0}.check("problem"); }),
            "problem: epsilon = 0; must be above 0 and at most 1");
  EXPECT_EQ(message([] { BatchNormProblem{.momentum = 1.5f}.check("problem"); }),
            "problem: momentum = 1.5; must be 0 to 1");
  EXPECT_EQ(message([] { parse_pool2d("max pad=2 H=9 W=9"); }),
            "problem: padding 2,2 must be smaller than the 2x2 window");
  EXPECT_EQ(message([] { parse_pool2d("median H=9 W=9"); }),
            "problem: unknown word 'median' in 'median H=9 W=9'");
  EXPECT_EQ(message([] { parse_pool2d("average H=9 W=9 relu"); }),
            "problem: only max pooling goes back through ReLU, not average");
}

TEST(ProblemText, ActivationNames) {
  Activation a;
  EXPECT_TRUE(parse_activation("leaky_relu", a));
  EXPECT_EQ(a, (Activation{ActivationKind::leaky_relu, 0.01f}));
  EXPECT_TRUE(parse_activation("elu", a));
  EXPECT_EQ(a.alpha, 1.0f);
  EXPECT_TRUE(parse_activation("relu", a));
  EXPECT_EQ(a.alpha, 0.0f);
  EXPECT_FALSE(parse_activation("relu6", a));
}

}  // namespace
}  // namespace gabor
