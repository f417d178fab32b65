// What is drawn for whom, and in which order it is done.
#include "data/augment/augment.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <map>
#include <set>

#include "core/error.h"
#include "data/augment/augment_sheet.h"
#include "data/augment/policy.h"
#include "data/augment/tone.h"
#include "data/augment_pictures.h"
#include "data/decode.h"
#include "data/fingerprint.h"
#include "data/fixture.h"

namespace gabor {
namespace {

using test::noise;
using test::view_of;

constexpr int kSamples = 10'000;
const double kDeviation =
    1 / std::sqrt(12.0 * kSamples);  // of the mean of so many draws that are uniform in 0..1

const AugmentSpec kAll{.crop = {.least = 0.35, .most = 1},
                       .translate = 4,
                       .flip = true,
                       .rand = {.ops = 2, .magnitude = 9},
                       .color = 0.2,
                       .erase = 0.25};

Image augmented(const AugmentSpec& spec, const AugmentKey& key, Image image) {
  Image scratch;
  augment(spec, key, view_of(image), scratch);
  return image;
}

// Red is the column and green the row, of 4 to the pixel.
Image coordinates(int side) {
  Image image;
  image.reshape(side, side, 3);
  for (int y = 0; y < side; y++)
    for (int x = 0; x < side; x++) {
      uint8_t* p = image.row(y) + 3 * x;
      p[0] = uint8_t(4 * x), p[1] = uint8_t(4 * y), p[2] = 0;
    }
  return image;
}

TEST(Augment, HalfAreFlippedAndTheChoiceIsTheSamplesOwn) {
  int flipped = 0, changed = 0;
  for (uint32_t sample = 0; sample < 4000; sample++) {
    flipped += is_flipped({1, 0, sample});
    changed += is_flipped({1, 0, sample}) != is_flipped({1, 1, sample});
    // The very bit that it was before there was anything but flips: old runs can be repeated.
    const RandomKey key{.seed = 1, .purpose = Purpose::augment, .a = 0, .b = sample};
    ASSERT_EQ(is_flipped({1, 0, sample}), key.block(0)[0] & 1);
  }
  EXPECT_NEAR(flipped, 2000, 130);  // 4 deviations
  EXPECT_NEAR(changed, 2000, 130);
}

TEST(Augment, CropTakesItsAreaAndPlaceUniformly) {
  constexpr int kSide = 64;
  const Image picture = coordinates(kSide);
  double area = 0, smallest = 1, largest = 0, left = 0, most_stretch = 1;
  for (uint32_t sample = 0; sample < kSamples; sample++) {
    const Image got = augmented({.crop = {.least = 0.36, .most = 0.64}}, {1, 0, sample}, picture);
    // The outer pixels are those of the crop itself: its corners.
    const uint8_t *first = got.row(0), *last = got.row(kSide - 1) + 3 * (kSide - 1);
    const double width = (last[0] - first[0]) / 4.0 + 1, height = (last[1] - first[1]) / 4.0 + 1;
    const double part = width * height / (kSide * kSide);
    area += part, smallest = std::min(smallest, part), largest = std::max(largest, part);
    left += first[0] / 4.0 / (kSide - width) / kSamples;
    most_stretch = std::max({most_stretch, width / height, height / width});
  }
  EXPECT_NEAR(area / kSamples, 0.5, 4 * 0.28 * kDeviation + 0.001);  // and sides are whole pixels
  EXPECT_NEAR(smallest, 0.36, 0.02);
  EXPECT_NEAR(largest, 0.64, 0.02);
  EXPECT_NEAR(most_stretch, 4.0 / 3, 0.05);
  EXPECT_NEAR(left, 0.5, 4 * kDeviation + 0.01);
}

TEST(Augment, TranslateMovesByAnyNumberOfPixelsEquallyOften) {
  constexpr int kSide = 33, kMost = 4, kMoves = 2 * kMost + 1;
  const Image picture = coordinates(kSide);
  std::map<std::pair<int, int>, int> seen;
  for (uint32_t sample = 0; sample < kSamples; sample++) {
    const Image got = augmented({.translate = kMost}, {1, 0, sample}, picture);
    const uint8_t* middle = got.row(kSide / 2) + 3 * (kSide / 2);
    seen[{middle[1] / 4 - kSide / 2, middle[0] / 4 - kSide / 2}]++;
  }
  ASSERT_EQ(seen.size(), size_t(kMoves * kMoves));
  double chi = 0;
  const double expected = double(kSamples) / (kMoves * kMoves);
  for (const auto& [move, count] : seen) {
    EXPECT_LE(std::max(std::abs(move.first), std::abs(move.second)), kMost);
    chi += (count - expected) * (count - expected) / expected;
  }
  EXPECT_LT(chi, 124.8);  // 80 degrees of freedom; exceeded once in a thousand by chance; the draw is fixed
}

// Two grays and a colour, from which the three factors can be told.
TEST(Augment, ColorDrawsThreeFactorsOfTheirOwn) {
  constexpr double kStrength = 0.2;
  Image picture;
  picture.reshape(1, 3, 3);
  picture.pixels = {50, 50, 50, 150, 150, 150, 150, 60, 60};
  std::array<double, 3> sum{}, square{}, least, most;
  least.fill(2), most.fill(0);
  double together = 0;  // of brightness and contrast
  for (uint32_t sample = 0; sample < kSamples; sample++) {
    const Image got = augmented({.color = kStrength}, {1, 0, sample}, picture);
    const auto gray = [](const Image& i) {
      double total = 0;
      for (size_t p = 0; p < 9; p += 3)
        total += 0.299 * i.pixels[p] + 0.587 * i.pixels[p + 1] + 0.114 * i.pixels[p + 2];
      return total;
    };
    const double brightness = gray(got) / gray(picture);  // the other two keep the mean
    const double contrast = (got.pixels[3] - got.pixels[0]) / 100.0 / brightness;
    const double saturation = (got.pixels[6] - got.pixels[7]) / 90.0 / brightness / contrast;
    const std::array<double, 3> factors{brightness, contrast, saturation};
    for (size_t k = 0; k < 3; k++) {
      sum[k] += factors[k] / kSamples, square[k] += factors[k] * factors[k] / kSamples;
      least[k] = std::min(least[k], factors[k]), most[k] = std::max(most[k], factors[k]);
    }
    together += (brightness - 1) * (contrast - 1) / kSamples;
  }
  for (size_t k = 0; k < 3; k++) {
    EXPECT_NEAR(sum[k], 1, 4 * 2 * kStrength * kDeviation + 0.003) << k;
    EXPECT_NEAR(std::sqrt(square[k] - sum[k] * sum[k]), kStrength / std::sqrt(3.0), 0.005) << k;
    EXPECT_NEAR(least[k], 1 - kStrength, 0.03) << k;
    EXPECT_NEAR(most[k], 1 + kStrength, 0.03) << k;
  }
  EXPECT_NEAR(together, 0, 0.001);
}

TEST(Augment, EraseTakesItsShareOfThePicturesAndOfTheirArea) {
  constexpr int kSide = 64;
  Image picture;
  picture.reshape(kSide, kSide, 1);
  std::fill(picture.pixels.begin(), picture.pixels.end(), uint8_t(77));
  int erased = 0;
  double area = 0, smallest = 1, largest = 0, brightness = 0, pixels = 0;
  for (uint32_t sample = 0; sample < kSamples; sample++) {
    const Image got = augmented({.erase = 0.25}, {1, 0, sample}, picture);
    int top = kSide, bottom = -1, left = kSide, right = -1;
    for (int y = 0; y < kSide; y++)
      for (int x = 0; x < kSide; x++)
        if (got.row(y)[x] != 77)
          top = std::min(top, y), bottom = std::max(bottom, y), left = std::min(left, x),
          right = std::max(right, x);
    if (bottom < 0) continue;
    erased++;
    const double part = double((bottom - top + 1) * (right - left + 1)) / (kSide * kSide);
    area += part, smallest = std::min(smallest, part), largest = std::max(largest, part);
    for (int y = top; y <= bottom; y++)
      for (int x = left; x <= right; x++) brightness += got.row(y)[x], pixels++;
  }
  EXPECT_NEAR(erased, kSamples / 4, 4 * std::sqrt(kSamples * 0.25 * 0.75));
  EXPECT_NEAR(area / erased, (0.02 + 1.0 / 3) / 2, 4 * 0.0904 / std::sqrt(erased) + 0.001);
  EXPECT_NEAR(smallest, 0.02, 0.003);
  EXPECT_NEAR(largest, 1.0 / 3, 0.01);
  EXPECT_NEAR(brightness / pixels, 127.5, 0.3);  // noise, of all values alike
}

// One operation at a time is what one of its list makes, and each comes equally often, half of the time the other way.
TEST(Augment, RandDrawsEachOperationOfItsListEquallyOften) {
  const Image picture = noise({12, 14, 3}, 3);
  Image scratch;
  std::map<test::Bytes, std::set<int>> makers;  // a picture -> the operations that make it
  for (int op = 0; op < kPolicyOps; op++)
    for (bool negative : {false, true}) {
      Image image = picture;
      apply(PolicyOp(op), 9, negative, view_of(image), scratch);
      makers[image.pixels].insert(op);
    }
  // 8 are the same both ways or have no ways; the noise has all values already, so autocontrast changes nothing.
  std::map<int, int> seen;
  for (uint32_t sample = 0; sample < kSamples; sample++) {
    const Image got = augmented({.rand = {.ops = 1, .magnitude = 9}}, {1, 0, sample}, picture);
    ASSERT_TRUE(makers.contains(got.pixels)) << sample;
    for (int op : makers[got.pixels]) seen[op]++;
  }
  for (int op = 0; op < kPolicyOps; op++) {
    int alike = 0;
    for (const auto& [pixels, ops] : makers)
      if (ops.contains(op)) alike = std::max(alike, int(ops.size()));
    EXPECT_NEAR(seen[op], kSamples * alike / kPolicyOps, 4 * std::sqrt(kSamples * alike / 14.0))
        << name_of(PolicyOp(op));
  }
}

// Each operation draws from a stream of its own, so all at once is one after the other, in the order of augment.h.
TEST(Augment, OrderIsFixedAndNoOperationShiftsAnothersDraws) {
  for (const test::PictureShape& shape : test::kShapes)
    for (uint32_t sample = 0; sample < 50; sample++) {
      const AugmentKey key{9, 3, sample};
      Image expected = noise(shape, sample);
      const Image at_once = augmented(kAll, key, expected);
      for (const AugmentSpec& one : {AugmentSpec{.crop = kAll.crop}, AugmentSpec{.translate = kAll.translate},
                                     AugmentSpec{.flip = true}, AugmentSpec{.rand = kAll.rand},
                                     AugmentSpec{.color = kAll.color}, AugmentSpec{.erase = kAll.erase}})
        expected = augmented(one, key, expected);
      ASSERT_EQ(at_once.pixels, expected.pixels) << sample;
    }
}

TEST(Augment, NothingAskedForChangesNothing) {
  for (const test::PictureShape& shape : test::kShapes) {
    const Image picture = noise(shape, 1);
    EXPECT_EQ(augmented({}, {1, 2, 3}, picture).pixels, picture.pixels);
    EXPECT_EQ(augmented({.crop = {1, 1}, .translate = 0, .color = 0, .erase = 0}, {1, 2, 3}, picture).pixels,
              picture.pixels);
  }
}

TEST(Augment, SeedEpochAndSampleEachMatterAndNothingElse) {
  const Image picture = noise({24, 20, 3}, 1);
  const AugmentKey key{5, 6, 7};
  const Image got = augmented(kAll, key, picture);
  EXPECT_EQ(augmented(kAll, key, picture).pixels, got.pixels);
  for (const AugmentKey& other : {AugmentKey{4, 6, 7}, AugmentKey{5, 7, 7}, AugmentKey{5, 6, 8}})
    EXPECT_NE(augmented(kAll, other, picture).pixels, got.pixels);
}

// The bytes themselves, so that a run that is resumed by another build or on another machine goes on as it was.
TEST(Augment, BytesAreThoseOfEveryMachine) {
  Fingerprint print;
  for (const test::PictureShape& shape : test::kShapes)
    for (uint32_t sample = 0; sample < 100; sample++) {
      const Image got = augmented(kAll, {1, 2, sample}, noise(shape, sample));
      print.add(got.pixels.data(), got.pixels.size());
    }
  EXPECT_EQ(print.value(), 0x98c9cc695eca4f4a);
}

TEST(Augment, ValuesOutOfRangeAreRefused) {
  const auto refuse = [](const AugmentSpec& spec, const char* message) {
    EXPECT_EQ(test::error_of(ErrorCode::usage, [&] { check(spec); }), message);
  };
  check({});
  check(kAll);
  refuse({.crop = {0, 1}}, "augment: the least share of a crop is 0; expected 1.52587890625e-05 to 1");
  refuse({.crop = {0.5, 0.25}}, "augment: the largest share of a crop is 0.25; expected 0.5 to 1");
  refuse({.crop = {0.5, 1.5}}, "augment: the largest share of a crop is 1.5; expected 0.5 to 1");
  refuse({.translate = -1}, "augment: translate is -1; expected 0 to 1024");
  refuse({.rand = {.ops = 11}}, "augment: rand's number of operations is 11; expected 0 to 10");
  refuse({.rand = {.ops = 1, .magnitude = 0}}, "augment: rand's magnitude is 0; expected 1 to 10");
  refuse({.color = 1.01}, "augment: color is 1.01; expected 0 to 1");
  refuse({.erase = std::nan("")}, "augment: erase is nan; expected 0 to 1");
  refuse({.mixup = 0.4}, "augment: mixup is 0.4; expected 1 divided by a whole number of 1 to 10");
  refuse({.cutmix = -1}, "augment: cutmix is -1; expected 1 divided by a whole number of 1 to 10");
}

TEST(AugmentSheet, ShowsThePictureAndThenItsEpochs) {
  const std::vector<AugmentedPicture> pictures{{"a", 4, noise({64, 64, 3}, 1)},
                                               {"b", 5, noise({64, 32, 1}, 2)}};
  const Image sheet = decode(augment_sheet(pictures, {.flip = true}, 3, 9), "sheet", 3);
  EXPECT_EQ(sheet.width, 8 * 132 + 4);
  EXPECT_EQ(sheet.height, 2 * (24 + 2 * 132));
  const auto tile = [&](int top, int column) {
    test::Bytes bytes;
    for (int y = 0; y < 128; y++) {
      const uint8_t* from = sheet.row(top + y) + 3 * (4 + column * 132);
      bytes.insert(bytes.end(), from, from + 3 * 128);
    }
    return bytes;
  };
  const test::Bytes original = tile(24, 0);
  for (int epoch = 0; epoch < 7; epoch++)
    EXPECT_EQ(tile(24, epoch + 1) != original, is_flipped({3, epoch, 4})) << epoch;
  EXPECT_EQ(tile(24 + 132, 0) != original, is_flipped({3, 7, 4}));
}

// What a device does with its own picture is what the loader does with its.
TEST(Augment, ADrawnMoveSaysAllOfAugmentationThatOnlyMoves) {
  for (const AugmentSpec& spec : {AugmentSpec{}, AugmentSpec{.flip = true}, AugmentSpec{.translate = 9},
                                  AugmentSpec{.translate = 40, .flip = true}}) {
    ASSERT_TRUE(spec.only_moves());
    Image image = noise({13, 17, 3}, 2), moved = image;
    for (uint32_t sample = 0; sample < 40; sample++) {
      const AugmentKey key{.seed = 3, .epoch = 5, .sample = sample};
      const PictureRow row = drawn_move(spec, key);
      for (int h = 0; h < 13; h++)
        for (int w = 0; w < 17; w++)
          std::copy_n(
              image.row(reflected(h - row.down, 13)) + 3 * reflected((row.flip ? 16 - w : w) - row.right, 17),
              3, moved.row(h) + 3 * w);
      ASSERT_EQ(augmented(spec, key, image).pixels, moved.pixels) << sample;
    }
  }
  for (AugmentSpec more :
       {AugmentSpec{.crop = {.least = 0.5}}, AugmentSpec{.color = 0.1}, AugmentSpec{.mixup = 1}})
    EXPECT_FALSE(more.only_moves());
}

}  // namespace
}  // namespace gabor
