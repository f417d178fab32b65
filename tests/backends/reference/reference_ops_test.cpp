// The reference backend through the harness: its float ops, views, modes and argument order against its own
// formulas in double. A tenth of the problems will do: the formulas themselves are judged in
// gradient_test.cpp.
#include <gtest/gtest.h>

#include "backends/op_tests/op_comparison.h"
#include "backends/reference/backend.h"
#include "core/error.h"
#include "ops/conv2d.h"

namespace gabor {
namespace {

using op_tests::OpComparison;
using op_tests::OpReport;

class ReferenceOps : public testing::Test {
 protected:
  void expect(const OpReport& report) {
    EXPECT_TRUE(report.good(count)) << report.text();
    RecordProperty("report", report.text());
  }
  const int count = (op_tests::shapes_to_run() + 9) / 10;
  const OpComparison compare{make_reference_backend(), 20240611};
};

TEST_F(ReferenceOps, Conv2d) {
  for (Pass pass : {Pass::fprop, Pass::dgrad, Pass::wgrad}) expect(compare.conv2d(pass, count));
}
TEST_F(ReferenceOps, Dense) {
  for (Pass pass : {Pass::fprop, Pass::dgrad, Pass::wgrad}) expect(compare.dense(pass, count));
}
TEST_F(ReferenceOps, Pool2d) {
  expect(compare.pool2d_forward(count));
  expect(compare.pool2d_backward(count));
}
TEST_F(ReferenceOps, BatchNorm) {
  expect(compare.batchnorm_forward(count));
  expect(compare.batchnorm_backward(count));
}
TEST_F(ReferenceOps, Activation) {
  expect(compare.activation_forward(count));
  expect(compare.activation_backward(count));
}
TEST_F(ReferenceOps, Elementwise) {
  expect(compare.add(count));
  expect(compare.normalize(count));
  expect(compare.dropout(count));
}
TEST_F(ReferenceOps, Gather) { expect(compare.gather(count)); }
TEST_F(ReferenceOps, SoftmaxAndLoss) {
  expect(compare.softmax(count));
  expect(compare.loss(count));
}
TEST_F(ReferenceOps, Head) { expect(compare.head(count)); }
TEST_F(ReferenceOps, Optimizer) { expect(compare.optimizer(count)); }
TEST_F(ReferenceOps, FirstBlock) {
  expect(compare.first_block_forward(count));
  expect(compare.first_block_backward(count));
}
TEST_F(ReferenceOps, Chunks) {
  const int some = (count + 7) / 8;
  for (Pass pass : {Pass::fprop, Pass::dgrad, Pass::wgrad})
    for (const OpReport& report : {compare.conv2d_chunks(pass, some), compare.dense_chunks(pass, some)})
      EXPECT_TRUE(report.good(some)) << report.text();
  EXPECT_TRUE(compare.first_block_chunks(some).good(some));
}

TEST(ReferenceTensors, WrongSizesAndTypesAreNamed) {
  const auto backend = make_reference_backend();
  Conv2dProblem p;
  p.H = p.W = 3;
  float x[9] = {}, w[1] = {}, y[9] = {};
  Context context{host_device(), {}};
  const auto message = [&](ConstTensorView xv) -> std::string {
    try {
      backend->ops().conv2d->fprop(context, p, xv, {w, {1}}, {}, {y, {9}});
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::usage);
      return e.what();
    }
    return "";
  };
  EXPECT_EQ(message({x, {8}}), "x: is f32 8; expected 9 elements of f32");
  EXPECT_EQ(message({x, {9}, DType::i32}), "x: is i32 9; expected 9 elements of f32");
  EXPECT_EQ(message({}), "x: is empty; expected 9 elements of f32");
  EXPECT_EQ(message({x, {9}}), "");
}

}  // namespace
}  // namespace gabor
