#include "ops/budget.h"

#include <gtest/gtest.h>

#include <bit>

#include "core/philox.h"
#include "core/stored_floats.h"

namespace gabor {
namespace {

// Of any float: no less than what is rounded off, and mostly less than four times as much.
TEST(StorageError, BoundsWhatIsRoundedOff) {
  Random random({.seed = 1, .purpose = Purpose::test});
  for (const DType type : {DType::f16, DType::bf16}) {
    int judged = 0, tight = 0;
    for (int i = 0; i < 200'000; i++) {
      const auto v = std::bit_cast<float>(random.bits());
      const double bound = storage_error(type, v), back = stored(v, type);
      if (std::isnan(v) || std::isinf(bound)) continue;
      ASSERT_LE(std::fabs(back - double(v)), bound) << v;
      judged++, tight += bound <= 4 * std::fabs(back - double(v));
    }
    EXPECT_GT(tight, judged / 2) << name_of(type);
  }
}

TEST(StorageError, IsInfiniteWhereTheTypeMayOverflow) {
  EXPECT_EQ(storage_error(DType::f16, 65504), 65504 * 0x1p-11);
  EXPECT_TRUE(std::isinf(storage_error(DType::f16, 65505)));
  EXPECT_TRUE(std::isfinite(storage_error(DType::bf16, 1e38)));
  EXPECT_TRUE(std::isinf(storage_error(DType::bf16, 3.4e38)));
  EXPECT_EQ(storage_error(DType::f32, 3.4e38), 0);
  EXPECT_EQ(storage_error(DType::f16, 0), 0);  // 0 is stored as it is
}

}  // namespace
}  // namespace gabor
