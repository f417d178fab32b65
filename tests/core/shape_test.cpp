#include "core/shape.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "core/tensor.h"

namespace gabor {
namespace {

TEST(Shape, CountsAndPrints) {
  EXPECT_EQ((Shape{32, 148, 148, 10}).count(), 7009280);
  EXPECT_EQ((Shape{32, 148, 148, 10}).str(), "32x148x148x10");
  EXPECT_EQ(Shape{}.count(), 1);
  EXPECT_EQ(Shape{}.str(), "scalar");
  EXPECT_EQ((Shape{5, 0}).count(), 0);
}

TEST(Shape, BatchAxis) {
  const Shape sample{148, 148, 10};
  EXPECT_EQ(sample.prepend(32), (Shape{32, 148, 148, 10}));
  EXPECT_EQ(sample.prepend(32).drop_first(), sample);
  EXPECT_EQ((Shape{5, 6}).append(7), (Shape{5, 6, 7}));
  EXPECT_NE(sample, (Shape{148, 148}));
  EXPECT_NE((Shape{1}), (Shape{1, 1}));
}

TEST(Shape, ImpossibleRanksThrow) {
  EXPECT_THROW((Shape{1, 2, 3, 4, 5}), Error);
  EXPECT_THROW((Shape{1, 2, 3, 4}).prepend(1), Error);
  EXPECT_THROW(Shape{}.drop_first(), Error);
}

TEST(Shape, OverflowIsAnError) {
  const int64_t big = int64_t{1} << 40;
  try {
    (void)Shape{big, big}.count();
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::memory);
    EXPECT_NE(std::string(e.what()).find("overflows"), std::string::npos);
  }
  EXPECT_EQ(checked_mul(int64_t{1} << 31, int64_t{1} << 31, "x"), int64_t{1} << 62);
  EXPECT_THROW(checked_mul(int64_t{1} << 32, int64_t{1} << 31, "x"), Error);
}

TEST(Tensor, ViewsKnowTheirTypeAndSize) {
  float values[6] = {};
  const TensorView t{values, {2, 3}};
  EXPECT_TRUE(t);
  EXPECT_FALSE(TensorView{});
  EXPECT_EQ(t.bytes(), 24u);
  EXPECT_EQ((ConstTensorView{values, {2, 3}, DType::u8}).bytes(), 6u);
  EXPECT_EQ(t.as<float>(), values);
  EXPECT_THROW(t.as<uint8_t>(), Error);
  const ConstTensorView read = t;
  EXPECT_EQ(read.shape, t.shape);
  EXPECT_THROW(read.as<int32_t>(), Error);
}

TEST(Error, SaysWhereAndWhat) {
  try {
    fail(ErrorCode::data, "photos/cat", "has {} files; expected {}", 0, "at least 1");
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(), "photos/cat: has 0 files; expected at least 1");
    EXPECT_EQ(e.code(), ErrorCode::data);
    EXPECT_EQ(e.where(), "photos/cat");
  }
  try {
    GABOR_CHECK(1 + 1 == 3);
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("1 + 1 == 3"), std::string::npos);
  }
}

}  // namespace
}  // namespace gabor
