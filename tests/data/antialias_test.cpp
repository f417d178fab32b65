// The vector code of Resize::antialias against its formula in plain loops, on every instruction set that it is
// compiled for here.
#include "data/antialias.h"

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <algorithm>

#include "core/philox.h"

namespace gabor {
namespace {

using Bytes = std::vector<uint8_t>;

uint8_t rounded(int64_t sum) {
  return uint8_t(std::clamp<int64_t>((sum + (1 << (FilterTaps::kBits - 1))) >> FilterTaps::kBits, 0, 255));
}

// Rows, then columns, with 8 bits between them.
Bytes by_formula(const Image& image, int height, int width) {
  const FilterTaps across = triangle_taps(image.width, width), down = triangle_taps(image.height, height);
  const size_t channels = size_t(image.channels), row = size_t(width) * channels;
  Bytes narrow(size_t(image.height) * row), out(size_t(height) * row);
  for (size_t y = 0; y < size_t(image.height); y++)
    for (size_t i = 0; i < row; i++) {
      const size_t x = i / channels;
      int64_t sum = 0;
      for (size_t t = 0; t < size_t(across.count[x]); t++)
        sum += int64_t{across.weight[x * size_t(across.stride) + t]} *
               image.row(int(y))[(size_t(across.first[x]) + t) * channels + i % channels];
      narrow[y * row + i] = rounded(sum);
    }
  for (size_t y = 0; y < size_t(height); y++)
    for (size_t i = 0; i < row; i++) {
      int64_t sum = 0;
      for (size_t t = 0; t < size_t(down.count[y]); t++)
        sum +=
            int64_t{down.weight[y * size_t(down.stride) + t]} * narrow[(size_t(down.first[y]) + t) * row + i];
      out[y * row + i] = rounded(sum);
    }
  return out;
}

// Makes the kernels run on one instruction set; on the best again afterwards.
class Target {
 public:
  explicit Target(int64_t target) { choose(target); }
  ~Target() { choose(0); }
  Target(const Target&) = delete;
  Target& operator=(const Target&) = delete;

 private:
  static void choose(int64_t targets) {
    hwy::SetSupportedTargetsForTest(targets);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
};

// Bytes at random, half of them extremes: sums that round, and those at both ends.
void compare(Random& random, ImageSize from, ImageSize to, int channels) {
  Image image;
  image.reshape(from.height, from.width, channels);
  for (uint8_t& p : image.pixels) {
    const uint32_t bits = random.below(1024);
    p = bits < 512 ? uint8_t(bits & 255) : bits < 768 ? uint8_t(0) : uint8_t(255);
  }
  // Exactly as large as said: a byte written beyond would be found by AddressSanitizer.
  Bytes out(size_t(to.height) * size_t(to.width) * size_t(channels));
  resize_antialias(image, to.height, to.width, out.data());
  ASSERT_EQ(out, by_formula(image, to.height, to.width))
      << from.height << 'x' << from.width << 'x' << channels << " to " << to.height << 'x' << to.width;
}

void compare_many() {
  Random random({21, Purpose::test, 0});
  const auto side = [&](uint32_t most) { return 1 + int(random.below(most)); };
  for (int i = 0; i < 60; i++)
    for (int channels : {1, 3}) compare(random, {side(60), side(400)}, {side(60), side(200)}, channels);
  // Widths at which whole vectors end, heights at which fours do, and shrinking by much.
  for (int width : {15, 16, 17, 63, 64, 65, 127, 128, 129}) compare(random, {5, width}, {7, width - 1}, 3);
  for (int height : {1, 3, 4, 5, 8}) compare(random, {height, 70}, {6, 64}, 3);
  compare(random, {359, 404}, {300, 300}, 3);
  compare(random, {700, 900}, {3, 2}, 3);
}

TEST(Antialias, IsItsFormulaOnEveryInstructionSet) {
  std::vector<int64_t> targets = hwy::SupportedAndGeneratedTargets();
  targets.push_back(HWY_EMU128);  // the plain C++ that every CPU has
  for (int64_t target : targets) {
    const Target chosen(target);
    SCOPED_TRACE(hwy::TargetName(target));
    compare_many();
  }
}

}  // namespace
}  // namespace gabor
