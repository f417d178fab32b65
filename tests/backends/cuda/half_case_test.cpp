// Duels and the check before the first step, on backends whose tensors are of 16 bits: what their kernels make is right,
// what is spoilt is not.
#include <algorithm>
#include <cmath>

#include "backends/cuda/gpu.h"
#include "backends/cuda/spoiled_conv2d.h"
#include "backends/reference/backend.h"
#include "duel/duel.h"
#include "duel/problem_text.h"
#include "duel/score.h"
#include "tune/precision_check.h"

namespace gabor {
namespace {

constexpr const char* kProblems[] = {
    "conv2d N=3 H=11 W=9 C=8 K=16 R=3 S=5 pad=1,0,2,1 stride=2,1",
    "conv2d N=2 H=8 W=8 C=6 K=6 R=3 S=3 pad=1,1 groups=6",
    "dense N=7 C=33 K=5",
    "dense N=17 C=64 K=48",
    "pool2d max N=2 H=9 W=8 C=5 R=3 S=2 stride=2,2",
    "pool2d average N=2 H=9 W=8 C=8 R=3 S=3 stride=1,1",
    "pool2d l2 N=2 H=8 W=8 C=3 R=2 S=2 stride=2,2",
    "softmax N=9 K=17",
    "batchnorm rows=210 C=5",
    "activation relu count=997",
    "activation gelu count=997",
    "loss softmax_cross_entropy N=33 K=10",
    "loss mse N=33 K=10 labels=2",
    "first_block f32 N=2 H=13 W=11 C=3 K=10 R=5 S=5",
    "first_block u8 N=2 H=20 W=20 C=3 K=8 R=3 S=3 pad=1,1 | max R=2 S=2",
};

class CudaHalfCases : public testing::GpuTest, public ::testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    GpuTest::SetUp();
    if (!IsSkipped()) halves = variant(GetParam());
  }
  // f(the case, what the backend makes of it) for each problem and pass.
  template <class F>
  void for_each_case(F&& f) const {
    for (const char* text : kProblems) {
      const DuelProblem problem{.problem = parse_problem(text)};
      for (const Pass pass : passes_of(problem, {Pass::fprop, Pass::dgrad, Pass::wgrad})) {
        SCOPED_TRACE(fmt::format("{} {}", text, name_of(pass)));
        const auto c = make_case(problem, pass, *make_reference_backend(), 1, halves->traits().storage);
        f(*c, outputs_of(*c, *halves, c->inputs, c->before));
      }
    }
  }
  Score score(const Case& c, std::span<const HostTensor> got) const {
    Score s;
    for (size_t i = 0; i < got.size(); i++)
      add_to(s, c.outputs[i], got[i].view(), judged_math(halves->traits()));
    return s;
  }
  std::shared_ptr<const Backend> halves;
};

TEST_P(CudaHalfCases, AreRight) {
  for_each_case([&](const Case& c, const std::vector<HostTensor>& got) {
    const Score s = score(c, got);
    EXPECT_TRUE(s.right()) << s.fault;
    for (size_t i = 0; i < got.size(); i++)
      EXPECT_EQ(got[i].dtype(),
                c.spec.outputs[i].stored ? halves->traits().storage : c.spec.outputs[i].dtype);
  });
}

// Zeros; and the largest element moved by three of its last places.
TEST_P(CudaHalfCases, ZerosAndOneShiftedElementAreWrong) {
  for_each_case([&](const Case& c, const std::vector<HostTensor>& right) {
    for (size_t i = 0; i < right.size(); i++) {
      if (!right[i] || right[i].dtype() == DType::u8 || right[i].dtype() == DType::i32) continue;
      auto got = right;
      got[i] = HostTensor(right[i].shape(), right[i].dtype());
      EXPECT_FALSE(score(c, got).right()) << c.outputs[i].name << ": zeros";
      if (!c.spec.outputs[i].stored) continue;
      size_t largest = 0;
      for (size_t j = 0; j < size_t(right[i].shape().count()); j++)
        if (std::fabs(right[i].value(j)) > std::fabs(right[i].value(largest))) largest = j;
      got[i] = right[i];
      static_cast<uint16_t*>(got[i].view().data)[largest] += 3;
      EXPECT_FALSE(score(c, got).right()) << c.outputs[i].name << ": shifted";
    }
  });
}

// As candidates, each with tensors of its own type, and bytes that are fewer.
TEST_P(CudaHalfCases, TakePartInADuel) {
  const DuelProblem problem{.name = "one", .problem = parse_problem("conv2d N=2 H=9 W=9 C=8 K=8 R=3 S=3")};
  DuelOptions options;
  options.baseline = backend->name();
  options.repetitions = {.seconds = 0.01, .least = 1, .most = 1};
  const Duel duel = run_duel({problem}, {backend}, *make_reference_backend(), options);
  int passes = 0;
  for (const DuelRecord& r : duel.records) {
    if (r.candidate == halves->name()) passes++;
    if (!r.ran()) continue;
    EXPECT_TRUE(r.score.right()) << r.candidate << " " << name_of(r.pass) << ": " << r.score.fault;
    if (r.candidate != halves->name() || r.pass != Pass::fprop) continue;
    const auto exact = std::find_if(duel.records.begin(), duel.records.end(),
                                    [&](const DuelRecord& o) { return o.candidate == backend->name(); });
    EXPECT_NEAR(r.bytes, exact->bytes / 2, 0.01 * exact->bytes);  // b is f32
  }
  EXPECT_EQ(passes, 3);
}

TEST_P(CudaHalfCases, AreCheckedBeforeTheFirstStep) {
  const TunedPass conv{"conv fprop", parse_conv2d("N=2 H=9 W=9 C=8 K=8 R=3 S=3 act=relu"), Pass::fprop};
  EXPECT_EQ(fault_in(conv, *halves, *backend), "");
  for (const Pass pass : {Pass::fprop, Pass::dgrad, Pass::wgrad})
    for (const ActivationKind kind : {ActivationKind::none, ActivationKind::tanh, ActivationKind::gelu}) {
      const DenseProblem dense{.N = 9, .C = 70, .K = 33, .activation = {.kind = kind}};
      EXPECT_EQ(fault_in({"dense", dense, pass}, *halves, *backend), "");
    }
  const testing::SpoiledBackend zeros(halves, [](std::vector<float>& y) { y.assign(y.size(), 0); });
  const std::string fault = fault_in(conv, zeros, *backend);
  EXPECT_EQ(fault.find("y["), 0u) << fault;
}

INSTANTIATE_TEST_SUITE_P(Storage, CudaHalfCases, ::testing::Values("bf16", "fp16"),
                         [](const auto& name) { return std::string(name.param); });

}  // namespace
}  // namespace gabor
