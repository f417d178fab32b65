// NVIDIA's cuDNN and cuBLAS on a GPU against the oracle. Skipped, with the reason, where one of the three is missing.
#include <gtest/gtest.h>

#include <iostream>

#include "backends/cuda/backend.h"
#include "backends/cudnn/backend.h"
#include "backends/op_tests/op_comparison.h"
#include "core/error.h"

namespace gabor {
namespace {

using op_tests::OpComparison;
using op_tests::OpReport;

class CudnnOps : public testing::Test {
 protected:
  void SetUp() override {
    try {
      const auto cuda = make_cuda_backend();
      backend_ = make_cudnn_backend(cuda->device(), cuda);
    } catch (const Error& e) {
      if (e.code() != ErrorCode::device) throw;
      GTEST_SKIP() << e.what();
    }
  }
  OpComparison compare() const { return {backend_, 20261127}; }
  std::vector<std::shared_ptr<const Backend>> variants() const { return backend_->variants(); }
  static void expect(const OpReport& report) {
    std::cout << report.text() << "\n";
    EXPECT_TRUE(report.good(op_tests::shapes_to_run())) << report.text();
  }
  static int count() { return op_tests::shapes_to_run(); }

 private:
  std::shared_ptr<const Backend> backend_;
};

TEST_F(CudnnOps, Conv2dFprop) { expect(compare().conv2d(Pass::fprop, count())); }
TEST_F(CudnnOps, Conv2dDgrad) { expect(compare().conv2d(Pass::dgrad, count())); }
TEST_F(CudnnOps, Conv2dWgrad) { expect(compare().conv2d(Pass::wgrad, count())); }
TEST_F(CudnnOps, Conv2dOfEachVariantInFp32) {
  for (const auto& variant : variants())
    if (variant->traits().math == "fp32")
      for (const Pass pass : {Pass::fprop, Pass::dgrad, Pass::wgrad})
        expect(OpComparison(variant, 20261128).conv2d(pass, count()));
}
TEST_F(CudnnOps, DenseFprop) { expect(compare().dense(Pass::fprop, count())); }
TEST_F(CudnnOps, DenseDgrad) { expect(compare().dense(Pass::dgrad, count())); }
TEST_F(CudnnOps, DenseWgrad) { expect(compare().dense(Pass::wgrad, count())); }
TEST_F(CudnnOps, Pool2dForward) { expect(compare().pool2d_forward(count())); }
TEST_F(CudnnOps, Pool2dBackward) { expect(compare().pool2d_backward(count())); }
TEST_F(CudnnOps, ActivationForward) { expect(compare().activation_forward(count())); }
TEST_F(CudnnOps, ActivationBackward) { expect(compare().activation_backward(count())); }
TEST_F(CudnnOps, BatchnormForward) { expect(compare().batchnorm_forward(count())); }
TEST_F(CudnnOps, BatchnormBackward) { expect(compare().batchnorm_backward(count())); }
TEST_F(CudnnOps, Softmax) { expect(compare().softmax(count())); }

}  // namespace
}  // namespace gabor
