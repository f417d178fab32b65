#include "core/stored_floats.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "core/error.h"

namespace gabor {
namespace {

TEST(StoredFloats, AreRoundedToTheType) {
  EXPECT_EQ(stored(1 + 0x1p-9f, DType::f32), 1 + 0x1p-9f);
  EXPECT_EQ(stored(1 + 0x1p-9f, DType::f16), 1 + 0x1p-9f);
  EXPECT_EQ(stored(1 + 0x1p-9f, DType::bf16), 1);
  EXPECT_EQ(stored(1e5f, DType::f16), INFINITY);
  EXPECT_EQ(stored(-0x1p-26f, DType::f16), 0);
}

TEST(StoredFloats, ComeBackFromMemory) {
  const std::vector<float> values{0, -0.0f, 1.5f, -3, 0x1p-14f, 1000, INFINITY};
  for (const DType type : {DType::f32, DType::f16, DType::bf16}) {
    std::vector<unsigned char> bytes(values.size() * size_of(type) + 1);
    unsigned char* odd = bytes.data() + 1;  // no alignment is asked for
    store_floats(values, type, odd);
    std::vector<float> back(values.size());
    load_floats(odd, type, back);
    const ConstTensorView view{odd, {int64_t(values.size())}, type};
    for (size_t i = 0; i < values.size(); i++) {
      EXPECT_EQ(back[i], values[i]) << name_of(type);
      EXPECT_EQ(std::signbit(back[i]), std::signbit(values[i]));
      EXPECT_EQ(element(view, i), values[i]);
    }
  }
}

TEST(StoredFloats, ElementsOfOtherTypes) {
  const uint8_t bytes[] = {7, 255};
  const int32_t numbers[] = {-1, 1 << 30};
  EXPECT_EQ(element({bytes, {2}, DType::u8}, 1), 255);
  EXPECT_EQ(element({numbers, {2}, DType::i32}, 1), 1 << 30);
  EXPECT_THROW(stored(1, DType::u8), Error);
}

}  // namespace
}  // namespace gabor
