// Cases judge as they should: what is right passes, what is wrong in one element does not.
#include "duel/case.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "backends/cpu/backend.h"
#include "backends/reference/backend.h"
#include "duel/problem_record.h"
#include "duel/problem_text.h"
#include "duel/score.h"

namespace gabor {
namespace {

struct Named {
  const char* name;
  AnyProblem problem;
  Pass pass;
};
void PrintTo(const Named& n, std::ostream* out) { *out << n.name << " " << name_of(n.pass); }

std::vector<Named> all_cases() {
  std::vector<Named> out;
  const auto add = [&](const char* name, const AnyProblem& p) {
    for (const Pass pass : passes_of({.problem = p}, {Pass::fprop, Pass::dgrad, Pass::wgrad}))
      out.push_back({name, p, pass});
  };
  add("conv2d", parse_conv2d("N=3 H=11 W=9 C=4 K=6 R=3 S=5 pad=1,0,2,1 stride=2,1"));
  add("depthwise", parse_conv2d("N=2 H=8 W=8 C=6 K=6 R=3 S=3 pad=1,1 groups=6"));
  add("max", parse_pool2d("max N=2 H=9 W=8 C=5 R=3 S=2 stride=2,2 pad=1,0"));
  add("max_through_relu", parse_pool2d("max N=2 H=9 W=8 C=5 R=3 S=2 stride=2,2 pad=1,0 relu"));
  add("average", parse_pool2d("average N=2 H=9 W=8 C=5 R=3 S=3 stride=1,1"));
  add("l2", parse_pool2d("l2 N=2 H=8 W=8 C=3 R=2 S=2 stride=2,2"));
  add("dense", DenseProblem{.N = 7, .C = 33, .K = 5, .activation = {}});
  add("dense_tanh", DenseProblem{.N = 7, .C = 33, .K = 5, .activation = {ActivationKind::tanh}});
  add("conv2d_relu", parse_conv2d("N=3 H=11 W=9 C=4 K=6 R=3 S=5 act=relu"));
  add("conv2d_elu", problem_of_record("conv2d", "N=3 H=11 W=9 C=4 K=6 R=3 S=5 act=elu alpha=0.5"));
  add("softmax", SoftmaxProblem{9, 17});
  for (const auto& [name, text] :
       {std::pair{"batchnorm", "batchnorm rows=210 C=5"},
        {"batchnorm_of_many_rows", "batchnorm rows=90000 C=3"},
        {"relu", "activation relu count=997"},
        {"leaky_relu", "activation leaky_relu count=997 alpha=0.2"},
        {"elu", "activation elu count=997"},
        {"sigmoid", "activation sigmoid count=997"},
        {"tanh", "activation tanh count=997"},
        {"silu", "activation silu count=997"},
        {"gelu", "activation gelu count=997"},
        {"softmax_xent", "loss softmax_cross_entropy N=33 K=10"},
        {"smoothed", "loss softmax_cross_entropy N=33 K=10 label_smoothing=0.1"},
        {"mse", "loss mse N=33 K=10"},
        {"softmax_xent_of_two_labels", "loss softmax_cross_entropy N=33 K=10 label_smoothing=0.1 labels=2"},
        {"mse_of_two_labels", "loss mse N=33 K=10 labels=2"},
        {"first_block", "first_block f32 N=3 H=23 W=21 C=3 K=10 R=5 S=5"},
        {"first_block_of_pixels", "first_block u8 N=2 H=20 W=20 C=3 K=8 R=3 S=3 pad=1,1 | max R=2 S=2"}})
    add(name, parse_problem(text));
  add("first_block_of_signed_pixels",
      problem_of_record(
          "first_block",
          "u8 | N=3 H=12 W=13 C=3 K=5 R=3 S=3 act=relu | max N=3 H=10 W=11 C=5 R=2 S=2 stride=2,2 | "
          "scale=0.0078125,0.0078125,0.0078125,1 shift=-1,-1,-1,0"));
  return out;
}

class CaseOf : public ::testing::TestWithParam<Named> {
 protected:
  std::unique_ptr<Case> make(uint64_t seed = 1) const {
    return make_case({.problem = GetParam().problem}, GetParam().pass, *reference_, seed);
  }
  static std::vector<HostTensor> wanted(const Case& c) {
    std::vector<HostTensor> out;
    for (const Expected& e : c.outputs) out.push_back(e.want);
    return out;
  }
  static Score judge(const Case& c, const std::vector<HostTensor>& got) {
    Score s;
    for (size_t i = 0; i < got.size(); i++) add_to(s, c.outputs[i], got[i].view(), "fp32");
    return s;
  }
  std::shared_ptr<const Backend> reference_ = make_reference_backend();
};

TEST_P(CaseOf, TheCpuBackendIsWithinTheBudget) {
  const auto cpu = make_cpu_backend();
  std::vector<std::shared_ptr<const Backend>> candidates = cpu->variants();
  candidates.push_back(cpu);
  int judged = 0;
  for (uint64_t seed = 0; seed < 5; seed++) {
    const auto c = make(seed);
    for (const auto& candidate : candidates) {
      if (!c->has_op(candidate->ops()) || !c->supports(candidate->ops())) continue;
      const Score s = judge(*c, outputs_of(*c, *candidate, c->inputs, c->before));
      EXPECT_TRUE(s.right()) << candidate->name() << ": " << s.fault;
      judged++;
    }
  }
  EXPECT_GE(judged, 5);
}

TEST_P(CaseOf, OtherSeedsDrawOtherInputs) {
  const auto values = [&](uint64_t seed) {
    std::vector<double> out;
    const auto c = make(seed);
    for (const HostTensor& t : c->inputs)
      for (size_t i = 0; t && i < size_t(t.shape().count()); i++) out.push_back(t.value(i));
    return out;
  };
  EXPECT_NE(values(1), values(2));
  EXPECT_EQ(values(1), values(1));
}

TEST_P(CaseOf, ZerosNaNAndOneShiftedElementAreWrong) {
  const auto c = make();
  EXPECT_TRUE(judge(*c, wanted(*c)).right());
  for (size_t i = 0; i < c->outputs.size(); i++) {
    if (c->outputs[i].want.dtype() != DType::f32) continue;
    auto zeros = wanted(*c), nan = wanted(*c), shifted = wanted(*c);
    for (float& v : zeros[i].floats()) v = 0;
    EXPECT_FALSE(judge(*c, zeros).right()) << c->outputs[i].name;
    nan[i].floats().back() = std::numeric_limits<float>::quiet_NaN();
    EXPECT_FALSE(judge(*c, nan).right()) << c->outputs[i].name;
    float& last = shifted[i].floats().back();
    last += float(4 * c->outputs[i].budget(shifted[i].floats().size() - 1, "fp32") + 1e-6 * std::fabs(last) +
                  1e-30);
    EXPECT_FALSE(judge(*c, shifted).right()) << c->outputs[i].name;
  }
}

INSTANTIATE_TEST_SUITE_P(Each, CaseOf, ::testing::ValuesIn(all_cases()), [](const auto& info) {
  return std::string(info.param.name) + "_" + name_of(info.param.pass);
});

TEST(Case, OfLongSumsIsStillToldFromZeros) {
  const auto reference = make_reference_backend();
  const DuelProblem dense{.problem = DenseProblem{.N = 8, .C = 219040, .K = 2, .activation = {}}};
  const auto c = make_case(dense, Pass::fprop, *reference, 0);
  for (const char* math : {"fp32", "tf32", "fp16", "bf16"})
    EXPECT_EQ(indistinct_output(*c, math), "") << math;
}

// Backward must not find the winners that a candidate's forward has not left.
TEST(Case, BackwardOfAFirstBlockReadsTheWinnersOfItsOwnBackend) {
  const auto reference = make_reference_backend(), cpu = make_cpu_backend();
  const auto c = make_case({.problem = parse_problem("first_block f32 N=2 H=20 W=20 C=3 K=8 R=5 S=5")},
                           Pass::wgrad, *reference, 1);
  EXPECT_NE(c->own_bytes(reference->ops()), c->own_bytes(cpu->ops()));
  std::vector<HostTensor> dw = {HostTensor({8, 5, 5, 3}), HostTensor({8})};
  std::vector<unsigned char> other(c->own_bytes(reference->ops()), 0);
  std::vector<ConstTensorView> in;
  for (const HostTensor& t : c->inputs) in.push_back(t.view());
  Context context{host_device(), host_device().stream()};
  c->run(reference->ops(), context, in,
         std::vector<TensorView>{
             dw[0].view(), dw[1].view(), {other.data(), {int64_t(other.size())}, DType::u8}});
  Score s;
  add_to(s, c->outputs[0], std::as_const(dw[0]).view(), "fp32");
  EXPECT_FALSE(s.right()) << "winners that are all the first of their windows";
}

TEST(Case, CountsWorkAndTraffic) {
  const auto reference = make_reference_backend();
  const Conv2dProblem p = parse_conv2d("N=2 H=8 W=8 C=3 K=4 R=3 S=3");
  const auto c = make_case({.problem = p}, Pass::fprop, *reference, 0);
  EXPECT_EQ(c->flops, 2.0 * 2 * 6 * 6 * 4 * 27);
  EXPECT_EQ(c->bytes, 4.0 * (2 * 8 * 8 * 3 + 4 * 27 + 2 * 6 * 6 * 4));
  EXPECT_EQ(indistinct_output(*c, "fp32"), "");
  // Every second pixel each way; of dx all are written.
  const Conv2dProblem sparse = parse_conv2d("N=1 H=8 W=8 C=3 K=4 R=1 S=1 stride=2,2");
  EXPECT_EQ(make_case({.problem = sparse}, Pass::fprop, *reference, 0)->bytes,
            4.0 * (4 * 4 * 3 + 12 + 4 * 4 * 4));
  EXPECT_EQ(make_case({.problem = sparse}, Pass::dgrad, *reference, 0)->bytes,
            4.0 * (8 * 8 * 3 + 12 + 4 * 4 * 4));
}

}  // namespace
}  // namespace gabor
