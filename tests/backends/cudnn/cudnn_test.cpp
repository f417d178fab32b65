// The cudnn backend over a fake cuDNN and cuBLAS that compute on the host (fake_library.cpp): the op tests check the
// descriptors, strides, scales and workspaces that it passes; then every call is made to fail in turn.
#include <algorithm>

#include "backends/cudnn/fake_cudnn_test.h"
#include "backends/reference/backend.h"
#include "ops/conv2d.h"
#include "ops/dense.h"
#include "ops/library.h"
#include "ops/pool2d.h"

namespace gabor {
namespace {

// Convolutions by the older calls alone: graph_test.cpp has the others.
CudnnOptions legacy() {
  CudnnOptions o = fake();
  o.graph = false;
  return o;
}

using FakeCudnn = FakeCudnnTest;

TEST_F(FakeCudnn, Conv2dFprop) { expect(compare(legacy()).conv2d(Pass::fprop, count)); }
TEST_F(FakeCudnn, Conv2dDgrad) { expect(compare(legacy()).conv2d(Pass::dgrad, count)); }
TEST_F(FakeCudnn, Conv2dWgrad) { expect(compare(legacy()).conv2d(Pass::wgrad, count)); }
TEST_F(FakeCudnn, DenseFprop) { expect(compare().dense(Pass::fprop, count)); }
TEST_F(FakeCudnn, DenseDgrad) { expect(compare().dense(Pass::dgrad, count)); }
TEST_F(FakeCudnn, DenseWgrad) { expect(compare().dense(Pass::wgrad, count)); }
TEST_F(FakeCudnn, Pool2dForward) { expect(compare().pool2d_forward(count)); }
TEST_F(FakeCudnn, Pool2dBackward) { expect(compare().pool2d_backward(count)); }
TEST_F(FakeCudnn, ActivationForward) { expect(compare().activation_forward(count)); }
TEST_F(FakeCudnn, ActivationBackward) { expect(compare().activation_backward(count)); }
TEST_F(FakeCudnn, BatchnormForward) { expect(compare().batchnorm_forward(count)); }
TEST_F(FakeCudnn, BatchnormBackward) { expect(compare().batchnorm_backward(count)); }
TEST_F(FakeCudnn, Softmax) { expect(compare().softmax(count)); }

// Each op once, on a problem whose padding differs from side to side.
void run_all(const Backend& backend) {
  Conv2dProblem p{
      .N = 2, .H = 5, .W = 6, .C = 2, .K = 3, .R = 3, .S = 2, .pad = {1, 0, 0, 1}, .activation = {}};
  p.activation.kind = ActivationKind::relu;
  std::vector<float> x(4096, 1), y(4096), w(4096), out(4096), workspace(1 << 16);
  Context context{host_device(), {}, workspace.data(), workspace.size() * sizeof(float)};
  const auto view = [](std::vector<float>& v, Shape shape) {
    return TensorView{v.data(), shape, DType::f32};
  };
  const Conv2d& conv = *backend.ops().conv2d;
  conv.fprop(context, p, view(x, p.x_shape()), view(w, p.w_shape()), view(w, p.b_shape()),
             view(y, p.y_shape()));
  conv.dgrad(context, p, view(y, p.y_shape()), view(w, p.w_shape()), view(out, p.x_shape()),
             GradMode::overwrite);
  conv.wgrad(context, p, view(x, p.x_shape()), view(y, p.y_shape()), view(out, p.w_shape()),
             view(w, p.b_shape()), GradMode::accumulate);
  const DenseProblem d{3, 4, 5, p.activation};
  const Dense& dense = *backend.ops().dense;
  dense.fprop(context, d, view(x, d.x_shape()), view(w, d.w_shape()), view(w, d.b_shape()),
              view(y, d.y_shape()));
  dense.wgrad(context, d, view(x, d.x_shape()), view(y, d.y_shape()), view(out, d.w_shape()),
              view(w, d.b_shape()), GradMode::overwrite);
  Pool2dProblem pool{.kind = PoolKind::average, .N = 1, .H = 4, .W = 4, .C = 2, .pad = {}};
  backend.ops().pool2d->forward(context, pool, view(x, pool.x_shape()), view(y, pool.y_shape()), {});
}

TEST_F(FakeCudnn, EveryCallMayFail) {
  run_all(*make(legacy()));
  const int calls = state().calls;
  EXPECT_GT(calls, 40);
  for (int n = 1; n <= calls; n++) {
    state() = {.fail_at = n};
    const std::string said = error_of([] { run_all(*make(legacy())); });
    EXPECT_NE(said.find("failed: told to fail"), std::string::npos) << "call " << n << ": " << said;
    EXPECT_EQ(state().alive, 0) << "call " << n << ": " << said;
  }
}

TEST_F(FakeCudnn, AnswersForWhatItLacks) {
  const auto backend = make(legacy());
  const Conv2d& conv = *backend->ops().conv2d;
  Conv2dProblem p{.N = 1, .H = 4, .W = 4, .C = 1, .K = 1, .pad = {}, .activation = {ActivationKind::gelu, 0}};
  EXPECT_EQ(conv.supports(p, Pass::fprop).reason, "no gelu in cuDNN");
  EXPECT_TRUE(conv.supports(p, Pass::dgrad));
  state().no_algorithm = true;
  p.H = 5;
  EXPECT_EQ(conv.supports(p, Pass::wgrad).reason,
            "cuDNN: no wgrad of N=1 H=5 W=4 C=1 K=1 R=1 S=1 pad=0,0 stride=1,1 act=gelu: cuDNN: none of 2 "
            "algorithms is deterministic, no FFT and needs at most 1.00 GiB");
  state().no_algorithm = false;
  state().only_fft = true;
  p.H = 6;
  EXPECT_NE(conv.supports(p, Pass::wgrad).reason.find("none of 3 algorithms is deterministic, no FFT"),
            std::string::npos);
}

// What cuDNN does not take falls to the next backend, with the reason on record.
TEST_F(FakeCudnn, NextBackendTakesOver) {
  const Library library({make(legacy()), make_reference_backend()});
  state().no_algorithm = true;
  const Conv2dProblem p{.N = 1, .H = 4, .W = 4, .C = 1, .K = 1, .pad = {}, .activation = {}};
  ChoiceRecord record;
  library.choose(
      &OpSet::conv2d, [&](const Conv2d& o) { return o.supports(p, Pass::fprop); }, record);
  EXPECT_EQ(record.backend, "reference");
  ASSERT_EQ(record.passed_over.size(), 1u);
  EXPECT_NE(record.passed_over[0].find("cudnn: cuDNN: no fprop of N=1 H=4"), std::string::npos);
}

TEST_F(FakeCudnn, MathModeIsAlwaysSet) {
  const Conv2dProblem p{.N = 1, .H = 4, .W = 4, .C = 1, .K = 1, .pad = {}, .activation = {}};
  make(legacy())->ops().conv2d->supports(p, Pass::fprop);
  EXPECT_EQ(state().math, 3);  // CUDNN_FMA_MATH
  CudnnOptions tf32 = legacy();
  tf32.allow_tf32 = true;
  make(tf32)->ops().conv2d->supports(p, Pass::fprop);
  EXPECT_EQ(state().math, 0);  // CUDNN_DEFAULT_MATH
}

TEST_F(FakeCudnn, SaysWhatIsMissing) {
  CudnnOptions o = fake();
  o.cudnn_file = "/nowhere/libcudnn.so.9";
  EXPECT_NE(error_of([&] {
              make(o);
            }).find("cuDNN: cannot be opened (/nowhere/libcudnn.so.9: cannot open shared object"),
            std::string::npos);
  o.cudnn_file = GABOR_OTHER_LIBRARY;
  EXPECT_NE(error_of([&] { make(o); }).find(" has no cudnnGetVersion; it is too old or not cuDNN"),
            std::string::npos);
  state().version = 8907;
  EXPECT_NE(error_of([&] { make(); }).find("is version 8907; 9.0 or newer is needed"), std::string::npos);
}

// NVIDIA's own library, where it is installed: the functions that are looked up are there, and without a GPU the refusal is
// one line.
TEST(Cudnn, NvidiasLibraryIsOpened) {
  CudnnOptions o;
  for (const char* file :
       {"libcudnn.so.9", "/usr/local/cuda/lib64/libcudnn.so.9", "/usr/local/cuda/lib/libcudnn.so.9"})
    if (void* library = dlopen(file, RTLD_NOW)) {
      dlclose(library);
      o.cudnn_file = file;
      break;
    }
  if (o.cudnn_file.empty()) GTEST_SKIP() << "no libcudnn.so.9 on this machine";
  o.cublas_file = GABOR_FAKE_CUDNN;
  std::string said;
  try {
    make_cudnn_backend(host_device(), nullptr, o);
    GTEST_SKIP() << "a GPU is here: tests/backends/cuda has it";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::device);
    said = e.what();
  }
  std::cout << said << "\n";
  EXPECT_EQ(said.rfind("cuDNN: cudnnCreate failed: ", 0), 0u) << said;
}

}  // namespace
}  // namespace gabor
