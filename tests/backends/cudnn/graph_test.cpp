// Convolutions by cuDNN's graph API: NVIDIA's headers make the descriptors, the fake library reads them. Op tests; then each
// stage of the chain from the graph to the next backend, by engines that are refused; then every call made to fail in turn;
// then graphs that the frontend validates without any library.
#include "backends/cudnn/fake_cudnn_test.h"
#include "backends/cudnn/graph_conv2d.h"
#include "backends/reference/backend.h"
#include "duel/problem_list.h"
#include "ops/library.h"

namespace gabor {
namespace {

using Graph = FakeCudnnTest;
using cudnn::validate_graph;

CudnnOptions nchw() {
  CudnnOptions o = fake();
  o.nchw = true;
  return o;
}

const Conv2dProblem kProblem{
    .N = 1, .H = 4, .W = 4, .C = 1, .K = 1, .R = 3, .S = 3, .pad = {}, .activation = {}};

std::string kernel(const Backend& backend, Pass pass = Pass::wgrad) {
  return backend.ops().conv2d->kernel(kProblem, pass);
}

// Problems whose tensors are not aligned are for the older calls.
TEST_F(Graph, Fprop) {
  expect(compare().conv2d(Pass::fprop, count));
  EXPECT_GT(state().executed, count / 3);
}
TEST_F(Graph, Dgrad) {
  expect(compare().conv2d(Pass::dgrad, count));
  EXPECT_GT(state().executed, count / 3);
}
TEST_F(Graph, Wgrad) {
  expect(compare().conv2d(Pass::wgrad, count));
  EXPECT_GT(state().executed, count / 3);
}
TEST_F(Graph, FpropWithoutFusion) {
  state().fuses = false;
  expect(compare().conv2d(Pass::fprop, count));
  EXPECT_GT(state().executed, count / 3);
}
TEST_F(Graph, NchwFprop) { expect(compare(nchw()).conv2d(Pass::fprop, count)); }
TEST_F(Graph, NchwDgrad) { expect(compare(nchw()).conv2d(Pass::dgrad, count)); }
TEST_F(Graph, NchwWgrad) { expect(compare(nchw()).conv2d(Pass::wgrad, count)); }

TEST_F(Graph, NchwByTheOlderCalls) {
  CudnnOptions o = nchw();
  o.graph = false;
  for (const Pass pass : {Pass::fprop, Pass::dgrad, Pass::wgrad}) expect(compare(o).conv2d(pass, count));
}

// The first engine that may be used, of five of which four may not.
TEST_F(Graph, ModeAFirst) {
  EXPECT_EQ(kernel(*make()), "graph: eng4");
  Conv2dProblem p = kProblem;
  p.activation.kind = ActivationKind::relu;
  EXPECT_EQ(make()->ops().conv2d->kernel(p, Pass::fprop), "graph: eng4, with bias and relu");
  state().fuses = false;
  EXPECT_EQ(make()->ops().conv2d->kernel(p, Pass::fprop), "graph: eng4");
}

TEST_F(Graph, ThenFallback) {
  for (const FakeEngine bad : {kNondeterministic, kTensorCore, kLarge, kUnbuildable}) {
    state().mode_a = {bad};
    EXPECT_EQ(kernel(*make()), "graph fallback: eng5") << bad;
  }
  state().mode_a = {};
  EXPECT_EQ(kernel(*make()), "graph fallback: eng5");
}

TEST_F(Graph, ThenTheOlderCalls) {
  state().mode_a = {};
  for (const FakeEngine bad : {kNondeterministic, kTensorCore, kLarge, kUnbuildable}) {
    state().fallback = {bad};
    EXPECT_EQ(kernel(*make()), "legacy: ALGO_1") << bad;
  }
  state().fallback = {};
  EXPECT_EQ(kernel(*make()), "legacy: ALGO_1");
  EXPECT_EQ(kernel(*make(), Pass::fprop), "legacy: IMPLICIT_PRECOMP_GEMM");
}

TEST_F(Graph, ThenTheNextBackendWithEveryReason) {
  state().mode_a = {kNondeterministic, kUnbuildable};
  state().fallback = {};
  state().no_algorithm = true;
  const Library library({make(), make_reference_backend()});
  ChoiceRecord record;
  library.choose(
      &OpSet::conv2d, [](const Conv2d& o) { return o.supports(kProblem, Pass::wgrad); }, record);
  EXPECT_EQ(record.backend, "reference");
  ASSERT_EQ(record.passed_over.size(), 1u);
  const std::string& said = record.passed_over[0];
  for (const char* reason : {"cudnn: cuDNN: no wgrad of N=1 H=4 W=4",
                             "none of 2 engines is deterministic, computes in fp32 and needs",
                             "heuristics failed: ", "none of 2 algorithms is deterministic"})
    EXPECT_NE(said.find(reason), std::string::npos) << reason << " in " << said;
  EXPECT_EQ(said.find('\n'), std::string::npos) << said;
}

TEST_F(Graph, TensorCoresOnlyForTf32) {
  state().mode_a = {kTensorCore};
  CudnnOptions o = fake();
  o.allow_tf32 = true;
  EXPECT_EQ(kernel(*make(o)), "graph: eng1");
}

TEST_F(Graph, WorkspaceIsCapped) {
  CudnnOptions o = fake();
  o.workspace_cap = 900;  // below what any engine wants
  EXPECT_NE(make(o)->ops().conv2d->supports(kProblem, Pass::wgrad).reason.find("needs at most "),
            std::string::npos);
  o.workspace_cap = 4096;
  const auto backend = make(o);
  EXPECT_EQ(kernel(*backend), "graph: eng4");
  EXPECT_LE(backend->ops().conv2d->workspace_bytes(kProblem, Pass::wgrad), 4096u);
}

TEST_F(Graph, Variants) {
  const auto backend = make();
  const auto variants = backend->variants();
  ASSERT_EQ(variants.size(), 4u);
  const char* const names[] = {"cudnn/graph", "cudnn/legacy", "cudnn/nchw", "cudnn/tf32"};
  for (size_t i = 0; i < 4; i++) {
    EXPECT_EQ(variants[i]->name(), names[i]);
    EXPECT_EQ(variants[i]->traits().layout, i == 2 ? "NCHW" : "NHWC");
    EXPECT_EQ(variants[i]->traits().math, i == 3 ? "tf32" : "fp32");
    EXPECT_EQ(kernel(*variants[i]), i == 1 ? "legacy: ALGO_1" : i == 3 ? "graph: eng1" : "graph: eng4");
    EXPECT_EQ(variants[i]->ops().dense != nullptr, i == 3);
    EXPECT_EQ(variants[i]->ops().softmax, nullptr);
  }
  state().mode_a = state().fallback = {};
  EXPECT_FALSE(backend->variants()[0]->ops().conv2d->supports(kProblem, Pass::wgrad));
}

// fprop with an epilogue, dgrad added to what is there, wgrad with channels first.
void run_convolutions(const CudnnOptions& options) {
  const auto backend = make_cudnn_backend(host_device(), nullptr, options);
  Conv2dProblem p = kProblem;
  p.pad = {1, 0, 0, 1};
  p.activation.kind = ActivationKind::relu;
  alignas(64) float x[64]{}, y[64]{}, w[64]{}, b[64]{}, workspace[8192];
  Context context{host_device(), {}, workspace, sizeof workspace};
  const auto view = [](float* data, const Shape& shape) { return TensorView{data, shape, DType::f32}; };
  const TensorView X = view(x, p.x_shape()), Y = view(y, p.y_shape()), W = view(w, p.w_shape()),
                   B = view(b, p.b_shape());
  const Conv2d& conv = *backend->ops().conv2d;
  conv.fprop(context, p, X, W, B, Y);
  conv.fprop(context, p, X, W, {}, Y);
  conv.dgrad(context, p, Y, W, X, GradMode::accumulate);
  conv.wgrad(context, p, X, Y, W, B, GradMode::accumulate);
}

// At set-up a refusal leads to the next engine or the older calls; in a step it is an error. Nothing is left behind.
TEST_F(Graph, EveryCallMayFail) {
  for (const CudnnOptions& options : {fake(), nchw()}) {
    state() = {};
    run_convolutions(options);
    const int calls = state().calls;
    EXPECT_GT(calls, 300);
    int errors = 0;
    for (int n = 1; n <= calls; n++) {
      state() = {.fail_at = n};
      const std::string said = error_of([&] { run_convolutions(options); });
      EXPECT_TRUE(said.empty() || said.find("failed") != std::string::npos) << "call " << n << ": " << said;
      EXPECT_EQ(state().alive, 0) << "call " << n << ": " << said;
      errors += !said.empty();
    }
    EXPECT_GT(errors, 20);
    EXPECT_LT(errors, calls / 2);
  }
}

TEST_F(Graph, UnalignedTensorsAreRefused) {
  alignas(64) float x[64]{}, y[64]{}, w[64]{}, workspace[1024];
  const auto run = [&](const CudnnOptions& options, int skew) {
    const auto backend = make(options);
    Context context{host_device(), {}, workspace, sizeof workspace};
    const TensorView X{x + skew, kProblem.x_shape(), DType::f32}, Y{y, kProblem.y_shape(), DType::f32},
        W{w, kProblem.w_shape(), DType::f32};
    backend->ops().conv2d->wgrad(context, kProblem, X, Y, W, {}, GradMode::overwrite);
  };
  CudnnOptions legacy = fake();
  legacy.graph = false;
  for (const CudnnOptions& options : {fake(), legacy}) {
    EXPECT_EQ(error_of([&] { run(options, 4); }), "");
    EXPECT_EQ(error_of([&] { run(options, 1); }),
              "cuDNN: a tensor of N=1 H=4 W=4 C=1 K=1 R=3 S=3 pad=0,0 stride=1,1 is not aligned to 16 bytes");
  }
}

TEST_F(Graph, ExecutionFails) {
  state().execute_fails = true;
  EXPECT_EQ(error_of([] {
              run_convolutions(fake());
            }).rfind("cuDNN graph: graph: eng4, with bias and relu failed: ", 0),
            0u)
      << error_of([] { run_convolutions(fake()); });
}

// No GPU, and of the library only its version, which the frontend asks for.
class GraphValidation : public Graph {
 protected:
  void SetUp() override {
    Graph::SetUp();
    make()->ops().conv2d->supports(kProblem, Pass::fprop);
  }
};

TEST_F(GraphValidation, TakesEveryProblemOfTheList) {
  const auto list = read_problem_list(std::string(GABOR_SOURCE_DIR) + "/tests/problems/conv2d-list-L.txt");
  EXPECT_GT(list.size(), 100u);
  for (const DuelProblem& entry : list)
    for (const Pass pass : {Pass::fprop, Pass::dgrad, Pass::wgrad})
      for (const bool nchw : {false, true}) {
        const auto& p = std::get<Conv2dProblem>(entry.problem);
        EXPECT_EQ(error_of([&] {
                    validate_graph({p, pass, nchw, pass == Pass::fprop});
                  }),
                  "")
            << to_string(p) << " " << name_of(pass);
      }
}

TEST_F(GraphValidation, SaysWhatItRefuses) {
  Conv2dProblem p = kProblem;
  p.C = p.K = 70000;
  EXPECT_EQ(error_of([&] {
              validate_graph({p, Pass::fprop});
            }),
            "cuDNN graph: validation failed: Conv filter total elements exceed INT32_MAX.");
}

}  // namespace
}  // namespace gabor
