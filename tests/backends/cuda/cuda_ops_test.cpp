// The cuda backend against the oracle, as every other backend: the ops, their choice of kernel, its arguments and its
// workspace. tests/kernels runs each kernel on its own.
#include <algorithm>
#include <iostream>
#include <vector>

#include "backends/cuda/gpu.h"
#include "backends/cuda/ops.h"
#include "backends/cuda/spoiled_conv2d.h"
#include "backends/op_tests/op_comparison.h"
#include "ops/context.h"
#include "ops/roofs.h"

namespace gabor {
namespace {

using op_tests::OpComparison;
using op_tests::OpReport;

class CudaOps : public testing::GpuTest {
 protected:
  void expect(const OpReport& report) const { expect(report, count); }
  void expect(const OpReport& report, int64_t wanted) const {
    std::cout << report.text() << "\n";
    EXPECT_TRUE(report.good(wanted)) << report.text();
  }
  OpComparison compare() const { return {backend, 20261125}; }
  void SetUp() override {
    GpuTest::SetUp();
    // Emulation is slow, and tests/kernels runs each kernel on problems of its own.
    if (backend && backend->traits().emulated) count /= 4;
  }
  int count = op_tests::shapes_to_run();
};

// The work that the roofs are timed by is done: y is x, and sums come out that only all of the multiply-adds make.
TEST_F(CudaOps, Roofs) {
  const Roofs& roofs = *backend->ops().roofs;
  Device& device = backend->device();
  Context context{device, device.stream()};
  constexpr int64_t kBytes = 100003;
  std::vector<uint8_t> from(kBytes), to(kBytes);
  for (size_t i = 0; i < from.size(); i++) from[i] = uint8_t(i * 7 + i / 256);
  const Buffer x(device, from.size()), y(device, to.size());
  device.copy_to(x.data(), from.data(), from.size());
  roofs.copy(context, {x.data(), {kBytes}, DType::u8}, {y.data(), {kBytes}, DType::u8});
  device.copy_from(to.data(), y.data(), to.size());
  EXPECT_EQ(from, to);

  std::vector<float> sums(size_t(roofs.fma_outputs()));
  const Buffer out(device, sums.size() * sizeof(float));
  const TensorView view{out.data(), {roofs.fma_outputs()}, DType::f32};
  const double flops = roofs.multiply_add(context, "fp32", 3, view);
  device.copy_from(sums.data(), out.data(), out.bytes());
  EXPECT_EQ(sums, std::vector<float>(sums.size(), 16 + 15 * 16 / 2 / 8.0f));  // 16 chains from 1 + c
  EXPECT_EQ(roofs.multiply_add(context, "fp32", 6, view), 2 * flops);
  EXPECT_EQ(roofs.multiply_add(context, "fp64", 3, view), 0);
}

TEST_F(CudaOps, Conv2dFprop) { expect(compare().conv2d(Pass::fprop, count)); }
TEST_F(CudaOps, Conv2dDgrad) { expect(compare().conv2d(Pass::dgrad, count)); }
TEST_F(CudaOps, Conv2dWgrad) { expect(compare().conv2d(Pass::wgrad, count)); }
// Each rung of the convolution, on the problems that it takes; f32 arithmetic only, for which the budgets are.
TEST_F(CudaOps, Conv2dVariants) {
  int rungs = 0;
  for (const auto& variant : backend->variants()) {
    if (variant->traits().math != "fp32") continue;
    rungs++;
    const int64_t wanted = std::min(count, 200);
    for (Pass pass : {Pass::fprop, Pass::dgrad, Pass::wgrad}) {
      const OpReport report = OpComparison(variant, 20261125).conv2d(pass, int(wanted));
      expect(report,
             variant->name().ends_with("depthwise") ? 10 : wanted);  // few of the problems are depthwise
    }
  }
  EXPECT_EQ(rungs, 3);
}
// Convolutions and dense layers with f32 rounded to TF32, within the budget of operands that are rounded to it. A sum of few
// products comes near that now and then; were nothing rounded it would stay below a hundredth.
TEST_F(CudaOps, Tf32) {
  if (const std::string why = only_fp32(); !why.empty()) GTEST_SKIP() << why;
  const int64_t wanted = std::min(count, 300);
  const OpComparison rounding(variant("tf32"), 20261126);
  for (const Pass pass : {Pass::fprop, Pass::dgrad, Pass::wgrad})
    for (const OpReport& report : {rounding.conv2d(pass, int(wanted)), rounding.dense(pass, int(wanted))}) {
      expect(report, wanted);
      EXPECT_GT(report.worst, 0.05) << report.text();
    }
}
TEST_F(CudaOps, DenseFprop) { expect(compare().dense(Pass::fprop, count)); }
TEST_F(CudaOps, DenseDgrad) { expect(compare().dense(Pass::dgrad, count)); }
TEST_F(CudaOps, DenseWgrad) { expect(compare().dense(Pass::wgrad, count)); }
TEST_F(CudaOps, Pool2dForward) { expect(compare().pool2d_forward(count)); }
TEST_F(CudaOps, Pool2dBackward) { expect(compare().pool2d_backward(count)); }
TEST_F(CudaOps, BatchnormForward) { expect(compare().batchnorm_forward(count)); }
TEST_F(CudaOps, BatchnormBackward) { expect(compare().batchnorm_backward(count)); }
TEST_F(CudaOps, ActivationForward) { expect(compare().activation_forward(count)); }
TEST_F(CudaOps, ActivationBackward) { expect(compare().activation_backward(count)); }
TEST_F(CudaOps, Add) { expect(compare().add(count)); }
TEST_F(CudaOps, Normalize) { expect(compare().normalize(count)); }
TEST_F(CudaOps, Dropout) { expect(compare().dropout(count)); }
TEST_F(CudaOps, Gather) { expect(compare().gather(count)); }
TEST_F(CudaOps, Softmax) { expect(compare().softmax(count)); }
TEST_F(CudaOps, Loss) { expect(compare().loss(count)); }
TEST_F(CudaOps, Head) {  // of several ops each; tests/kernels has 540 more
  const int wanted = std::min(count, 500);
  expect(compare().head(wanted), wanted);
}
TEST_F(CudaOps, Optimizer) { expect(compare().optimizer(count)); }
TEST_F(CudaOps, FirstBlockForward) { expect(compare().first_block_forward(count)); }
TEST_F(CudaOps, FirstBlockBackward) { expect(compare().first_block_backward(count)); }

// What depends on tensor cores, as chosen for a card that has none, on the device of another backend.
class OlderCard final : public Backend {
 public:
  OlderCard(const Backend& newer, kernels::Storage storage)
      : device_(newer.device()), traits_(newer.traits()), counters_(device_) {
    constexpr cuda::Gpu kGtx1660{.capability = 75, .multiprocessors = 4};
    conv2d_ = cuda::make_conv2d(kGtx1660, counters_, storage);
    dense_ = cuda::make_dense(kGtx1660, counters_, storage);
    first_block_ = cuda::make_first_block(kGtx1660, counters_, storage);
    ops_.conv2d = conv2d_.get(), ops_.dense = dense_.get(), ops_.first_block = first_block_.get();
  }
  std::string_view name() const override { return "older card"; }
  Device& device() const override { return device_; }
  const OpSet& ops() const override { return ops_; }
  Traits traits() const override { return traits_; }

 private:
  Device& device_;
  Traits traits_;
  cuda::Counters counters_;
  std::unique_ptr<Conv2d> conv2d_;
  std::unique_ptr<Dense> dense_;
  std::unique_ptr<FirstBlock> first_block_;
  OpSet ops_;
};

// Every op on tensors of 16 bits.
class CudaHalfOps : public CudaOps, public ::testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    CudaOps::SetUp();
    if (!IsSkipped()) halves = variant(GetParam());
  }
  OpComparison compare() const { return {halves, 20261127}; }
  void expect(const OpReport& report) const { CudaOps::expect(report, count); }
  std::shared_ptr<const Backend> halves;
  const int count = std::max(op_tests::shapes_to_run() / 4, 1);
};

TEST_P(CudaHalfOps, Traits) {
  const bool bf16 = halves->traits().math == "bf16";
  EXPECT_EQ(halves->traits().math, GetParam());
  EXPECT_EQ(halves->traits().storage, bf16 ? DType::bf16 : DType::f16);
  EXPECT_EQ(halves->traits().emulated, backend->traits().emulated);
  EXPECT_EQ(&halves->device(), &backend->device());
}
// The comparison notices, in nearly every problem (some have one element, or none but zeros).
TEST_P(CudaHalfOps, ASpoiledConvolutionIsCaught) {
  constexpr int kProblems = 30;
  const std::pair<const char*, testing::Spoil> spoils[] = {
      {"zeros", [](std::vector<float>& t) { t.assign(t.size(), 0); }},
      {"off by an element", [](std::vector<float>& t) { std::rotate(t.begin(), t.end() - 1, t.end()); }},
      {"one NaN", [](std::vector<float>& t) { t.back() = NAN; }},
      {"1 % too large", [](std::vector<float>& t) {
         for (float& v : t) v *= 1.01f;
       }}};
  for (const auto& [what, spoil] : spoils)
    for (const Pass pass : {Pass::fprop, Pass::dgrad, Pass::wgrad}) {
      const auto spoiled = std::make_shared<testing::SpoiledBackend>(halves, spoil);
      const OpReport report = OpComparison(spoiled, 7).conv2d(pass, kProblems);
      EXPECT_GE(report.failed, kProblems * 2 / 3) << what << ": " << report.text();
    }
}
TEST_P(CudaHalfOps, OfACardWithoutTensorCores) {
  const bool bf16 = halves->traits().storage == DType::bf16;
  const OpComparison older(
      std::make_shared<OlderCard>(*halves, bf16 ? kernels::Storage::bf16 : kernels::Storage::f16), 20261128);
  for (const Pass pass : {Pass::fprop, Pass::dgrad, Pass::wgrad})
    expect(older.conv2d(pass, count)), expect(older.dense(pass, count));
  expect(older.first_block_forward(count)), expect(older.first_block_backward(count));
}
TEST_P(CudaHalfOps, Conv2dFprop) { expect(compare().conv2d(Pass::fprop, count)); }
TEST_P(CudaHalfOps, Conv2dDgrad) { expect(compare().conv2d(Pass::dgrad, count)); }
TEST_P(CudaHalfOps, Conv2dWgrad) { expect(compare().conv2d(Pass::wgrad, count)); }
TEST_P(CudaHalfOps, DenseFprop) { expect(compare().dense(Pass::fprop, count)); }
TEST_P(CudaHalfOps, DenseDgrad) { expect(compare().dense(Pass::dgrad, count)); }
TEST_P(CudaHalfOps, DenseWgrad) { expect(compare().dense(Pass::wgrad, count)); }
TEST_P(CudaHalfOps, Pool2dForward) { expect(compare().pool2d_forward(count)); }
TEST_P(CudaHalfOps, Pool2dBackward) { expect(compare().pool2d_backward(count)); }
TEST_P(CudaHalfOps, BatchnormForward) { expect(compare().batchnorm_forward(count)); }
TEST_P(CudaHalfOps, BatchnormBackward) { expect(compare().batchnorm_backward(count)); }
TEST_P(CudaHalfOps, ActivationForward) { expect(compare().activation_forward(count)); }
TEST_P(CudaHalfOps, ActivationBackward) { expect(compare().activation_backward(count)); }
TEST_P(CudaHalfOps, Add) { expect(compare().add(count)); }
TEST_P(CudaHalfOps, Normalize) { expect(compare().normalize(count)); }
TEST_P(CudaHalfOps, Dropout) { expect(compare().dropout(count)); }
TEST_P(CudaHalfOps, Gather) { expect(compare().gather(count)); }
TEST_P(CudaHalfOps, Softmax) { expect(compare().softmax(count)); }
TEST_P(CudaHalfOps, Loss) { expect(compare().loss(count)); }
TEST_P(CudaHalfOps, Optimizer) { expect(compare().optimizer(count)); }
TEST_P(CudaHalfOps, FirstBlockForward) { expect(compare().first_block_forward(count)); }
TEST_P(CudaHalfOps, FirstBlockBackward) { expect(compare().first_block_backward(count)); }

INSTANTIATE_TEST_SUITE_P(Storage, CudaHalfOps, ::testing::Values("bf16", "fp16"),
                         [](const auto& name) { return std::string(name.param); });

}  // namespace
}  // namespace gabor
