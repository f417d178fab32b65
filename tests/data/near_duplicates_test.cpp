#include "data/near_duplicates.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/philox.h"
#include "data/decode.h"
#include "data/fixture.h"
#include "data/resize.h"

namespace gabor {
namespace {

// Blobs of light at random places: as unlike each other as photos are.
Image scene(uint64_t seed, int height, int width) {
  Random random({.seed = seed});
  Image image;
  image.reshape(height, width, 3);
  std::vector<double> light(size_t(height) * size_t(width), 40);
  for (int blob = 0; blob < 12; blob++) {
    const double cy = height * random.uniform(), cx = width * random.uniform();
    const double radius = height * random.uniform(0.08f, 0.3f), power = 120 * random.uniform(-0.3f, 1);
    for (int y = 0; y < height; y++)
      for (int x = 0; x < width; x++)
        light[size_t(y * width + x)] += power * std::exp(-std::hypot(y - cy, x - cx) / radius);
  }
  for (size_t i = 0; i < image.pixels.size(); i++)
    image.pixels[i] = uint8_t(std::clamp(light[i / 3] * (1 - 0.1 * double(i % 3)), 0.0, 255.0));
  return image;
}

Image resized(const Image& image, int height, int width) {
  Image out;
  out.reshape(height, width, 3);
  resize(image, height, width, Resize::antialias, out.pixels.data());
  return out;
}

TEST(NearDuplicates, ReencodedResizedAndDarkenedPicturesAreFound) {
  const Image original = scene(1, 120, 160);
  Image dark = original;
  for (uint8_t& p : dark.pixels) p = uint8_t(p * 3 / 4);
  const std::vector<Sketch> sketches = {
      sketch_of(original), sketch_of(decode(test::encode(original, ".jpg"), "a.jpg", 3)),
      sketch_of(resized(original, 60, 80)), sketch_of(dark), sketch_of(scene(2, 120, 160))};
  const std::vector<NearPair> pairs = near_pairs(sketches);
  ASSERT_EQ(pairs.size(), 6u);  // the first four with each other, the stranger with none
  for (const NearPair& p : pairs) {
    EXPECT_LT(p.first, p.second);
    EXPECT_LT(p.second, 4u);
  }
}

TEST(NearDuplicates, MirroredAndBlankPicturesAreNot) {
  Image mirrored = scene(3, 90, 90), blank;
  for (int y = 0; y < 90; y++)
    for (int x = 0; x < 45; x++)
      for (int c = 0; c < 3; c++) std::swap(mirrored.row(y)[3 * x + c], mirrored.row(y)[3 * (89 - x) + c]);
  blank.reshape(50, 50, 3);
  EXPECT_TRUE(sketch_of(blank).flat);
  EXPECT_EQ(correlation(sketch_of(blank), sketch_of(blank)), 0);
  EXPECT_TRUE(near_pairs(std::vector<Sketch>{sketch_of(scene(3, 90, 90)), sketch_of(mirrored),
                                             sketch_of(blank), sketch_of(blank)})
                  .empty());
}

// Strangers, and copies of them with up to 10 wrong bits: what the index finds must be what looking at every
// pair finds.
TEST(NearDuplicates, TheIndexMissesNoPair) {
  Random random({.seed = 5});
  std::vector<Sketch> sketches;
  for (uint64_t i = 0; i < 60; i++) sketches.push_back(sketch_of(scene(i, 32, 32)));
  for (size_t i = 0; i < 240; i++) {
    Sketch s = sketches[random.below(60)];
    for (uint32_t flips = random.below(11); flips > 0; flips--)
      s.hash[random.below(2)] ^= uint64_t{1} << random.below(64);
    sketches.push_back(s);
  }
  std::vector<std::pair<uint32_t, uint32_t>> expected, found;
  int at_the_bound = 0;
  for (uint32_t second = 0; second < sketches.size(); second++)
    for (uint32_t first = 0; first < second; first++) {
      const int distance = hamming_distance(sketches[first], sketches[second]);
      if (distance > kMaxHashDistance || correlation(sketches[first], sketches[second]) < kMinCorrelation)
        continue;
      expected.emplace_back(first, second);
      at_the_bound += distance == kMaxHashDistance;
    }
  for (const NearPair& p : near_pairs(sketches)) found.emplace_back(p.first, p.second);
  EXPECT_GT(at_the_bound, 5);
  EXPECT_EQ(found, expected);
}

TEST(NearDuplicates, StrangersAreNotPaired) {
  std::vector<Sketch> sketches;
  for (uint64_t i = 0; i < 400; i++) sketches.push_back(sketch_of(scene(1000 + i, 24, 24)));
  EXPECT_TRUE(near_pairs(sketches).empty());
}

}  // namespace
}  // namespace gabor
