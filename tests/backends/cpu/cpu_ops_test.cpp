// The cpu backend against the oracle: every op and pass on thousands of random problems, and the fixed list.
// GABOR_TEST_SHAPES sets their number (default 2,000 an op and pass). The reports are printed, so that a log
// shows what was run and how near the budget the worst result came.
#include <gtest/gtest.h>

#include <iostream>

#include "backends/cpu/backend.h"
#include "backends/op_tests/op_comparison.h"

namespace gabor {
namespace {

using op_tests::OpComparison;
using op_tests::OpReport;

class CpuOps : public testing::Test {
 protected:
  void expect(const OpReport& report) const { expect(report, count); }
  void expect(const OpReport& report, int64_t wanted) const {
    std::cout << report.text() << "\n";
    EXPECT_TRUE(report.good(wanted)) << report.text();
  }
  const int count = op_tests::shapes_to_run();
  const OpComparison compare{make_cpu_backend(), 20240611};
};

TEST_F(CpuOps, Conv2dFprop) { expect(compare.conv2d(Pass::fprop, count)); }
TEST_F(CpuOps, Conv2dDgrad) { expect(compare.conv2d(Pass::dgrad, count)); }
TEST_F(CpuOps, Conv2dWgrad) { expect(compare.conv2d(Pass::wgrad, count)); }
TEST_F(CpuOps, Conv2dList) {
  const auto list = op_tests::read_conv2d_list(std::string(GABOR_SOURCE_DIR) + "/tests/problems/conv2d.txt");
  ASSERT_GT(list.size(), 30u);
  for (Pass pass : {Pass::fprop, Pass::dgrad, Pass::wgrad})
    expect(compare.conv2d(pass, list), int64_t(list.size()));
}
TEST_F(CpuOps, DenseFprop) { expect(compare.dense(Pass::fprop, count)); }
TEST_F(CpuOps, DenseDgrad) { expect(compare.dense(Pass::dgrad, count)); }
TEST_F(CpuOps, DenseWgrad) { expect(compare.dense(Pass::wgrad, count)); }
TEST_F(CpuOps, Pool2dForward) { expect(compare.pool2d_forward(count)); }
TEST_F(CpuOps, Pool2dBackward) { expect(compare.pool2d_backward(count)); }
TEST_F(CpuOps, BatchNormForward) { expect(compare.batchnorm_forward(count)); }
TEST_F(CpuOps, BatchNormBackward) { expect(compare.batchnorm_backward(count)); }
TEST_F(CpuOps, ActivationForward) { expect(compare.activation_forward(count)); }
TEST_F(CpuOps, ActivationBackward) { expect(compare.activation_backward(count)); }
TEST_F(CpuOps, Add) { expect(compare.add(count)); }
TEST_F(CpuOps, Gather) { expect(compare.gather(count)); }
TEST_F(CpuOps, Normalize) { expect(compare.normalize(count)); }
TEST_F(CpuOps, Dropout) { expect(compare.dropout(count)); }
TEST_F(CpuOps, Softmax) { expect(compare.softmax(count)); }
TEST_F(CpuOps, Loss) { expect(compare.loss(count)); }
TEST_F(CpuOps, Optimizer) { expect(compare.optimizer(count)); }
TEST_F(CpuOps, FirstBlockForward) { expect(compare.first_block_forward(count)); }
TEST_F(CpuOps, FirstBlockBackward) { expect(compare.first_block_backward(count)); }
// A batch is its chunks. Problems are a few times as large as those above.
TEST_F(CpuOps, Chunks) {
  const int some = (count + 7) / 8;
  for (Pass pass : {Pass::fprop, Pass::dgrad, Pass::wgrad}) {
    expect(compare.conv2d_chunks(pass, some), some);
    expect(compare.dense_chunks(pass, some), some);
  }
  expect(compare.first_block_chunks(some), some);
}

}  // namespace
}  // namespace gabor
