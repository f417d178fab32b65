// Operations that change values, against naive loops in double precision that were written from the definitions.
#include <gtest/gtest.h>

#include <cmath>

#include "data/augment/policy.h"
#include "data/augment/tone.h"
#include "data/augment_pictures.h"

namespace gabor {
namespace {

using test::kShapes;
using test::noise;
using test::view_of;

double cut(double v) { return std::clamp(v, 0.0, 255.0); }
double rounded(double v) { return cut(std::floor(v + 0.5)); }

class Tone : public ::testing::TestWithParam<test::PictureShape> {
 protected:
  Image picture = noise(GetParam(), 1);
  Image scratch;

  template <class Change>
  Image changed(Change&& change) const {
    Image image = picture;
    change(view_of(image));
    return image;
  }
  double gray(size_t pixel) const {
    const uint8_t* p = &picture.pixels[pixel * size_t(picture.channels)];
    return picture.channels == 1 ? p[0] : 0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2];
  }
  size_t count() const { return picture.pixels.size() / size_t(picture.channels); }
};

INSTANTIATE_TEST_SUITE_P(Shapes, Tone, ::testing::ValuesIn(kShapes), test::shape_name);

constexpr int kFactors[] = {0, 10'000, kFixedOne - 1, kFixedOne, 78'643, 2 * kFixedOne};

TEST_P(Tone, BrightnessMultiplies) {
  for (int factor : kFactors) {
    const Image got = changed([&](const PixelView& v) { adjust_brightness(v, factor); });
    for (size_t i = 0; i < got.pixels.size(); i++)
      ASSERT_EQ(got.pixels[i], rounded(picture.pixels[i] * (factor / 65536.0)));
  }
}

// The grays and their mean are rounded, which the factor's distance from 1 enlarges.
TEST_P(Tone, ContrastMovesFromTheMeanGray) {
  double mean = 0;
  for (size_t i = 0; i < count(); i++) mean += gray(i) / double(count());
  for (int factor : kFactors) {
    const double f = factor / 65536.0;
    const Image got = changed([&](const PixelView& v) { adjust_contrast(v, factor); });
    for (size_t i = 0; i < got.pixels.size(); i++)
      ASSERT_NEAR(got.pixels[i], cut(mean + (picture.pixels[i] - mean) * f), 0.501 + std::fabs(1 - f));
  }
}

TEST_P(Tone, SaturationMovesFromThePixelsGray) {
  for (int factor : kFactors) {
    const double f = factor / 65536.0;
    const Image got = changed([&](const PixelView& v) { adjust_saturation(v, factor); });
    for (size_t i = 0; i < got.pixels.size(); i++) {
      const double g = gray(i / size_t(picture.channels));
      ASSERT_NEAR(got.pixels[i], cut(g + (picture.pixels[i] - g) * f), 0.501 + 0.501 * std::fabs(1 - f));
    }
  }
}

TEST_P(Tone, ColorIsTheThreeInTurn) {
  for (int brightness : kFactors)
    for (int contrast : kFactors)
      for (int saturation : kFactors) {
        const Image in_turn = changed([&](const PixelView& v) {
          adjust_brightness(v, brightness), adjust_contrast(v, contrast), adjust_saturation(v, saturation);
        });
        ASSERT_EQ(
            changed([&](const PixelView& v) { adjust_color(v, brightness, contrast, saturation); }).pixels,
            in_turn.pixels);
      }
}

TEST_P(Tone, SharpnessMovesFromTheSmoothedWithinTheBorder) {
  const auto value = [&](int y, int x, int c) {
    return double(picture.pixels[size_t((y * picture.width + x) * picture.channels + c)]);
  };
  for (int factor : kFactors) {
    const double f = factor / 65536.0;
    const Image got = changed([&](const PixelView& v) { adjust_sharpness(v, factor, scratch); });
    for (int y = 0; y < picture.height; y++)
      for (int x = 0; x < picture.width; x++)
        for (int c = 0; c < picture.channels; c++) {
          const double was = value(y, x, c);
          const uint8_t is = got.pixels[size_t((y * picture.width + x) * picture.channels + c)];
          if (y == 0 || x == 0 || y == picture.height - 1 || x == picture.width - 1) {
            ASSERT_EQ(is, was);
            continue;
          }
          double smooth = 0;
          for (int dy = -1; dy <= 1; dy++)
            for (int dx = -1; dx <= 1; dx++) smooth += value(y + dy, x + dx, c) * (dy || dx ? 1 : 5) / 13;
          ASSERT_NEAR(is, cut(smooth + (was - smooth) * f), 0.501 + 0.5 * std::fabs(1 - f));
        }
  }
}

TEST_P(Tone, PosterizeKeepsTheHighestBits) {
  for (int bits = 1; bits <= 8; bits++) {
    const Image got = changed([&](const PixelView& v) { posterize(v, bits); });
    const double step = std::pow(2, 8 - bits);
    for (size_t i = 0; i < got.pixels.size(); i++)
      ASSERT_EQ(got.pixels[i], std::floor(picture.pixels[i] / step) * step);
  }
}

TEST_P(Tone, SolarizeInvertsFromTheThresholdOn) {
  for (int threshold : {0, 1, 128, 255, 256}) {
    const Image got = changed([&](const PixelView& v) { solarize(v, threshold); });
    for (size_t i = 0; i < got.pixels.size(); i++) {
      const int was = picture.pixels[i];
      ASSERT_EQ(got.pixels[i], was >= threshold ? 255 - was : was);
    }
  }
}

TEST_P(Tone, AutocontrastStretchesEachChannel) {
  for (uint8_t& v : picture.pixels) v = uint8_t(40 + v / 3);  // 40 .. 125
  const Image got = changed(autocontrast);
  const auto channels = size_t(picture.channels);
  for (size_t i = 0; i < got.pixels.size(); i++) {
    double low = 255, high = 0;
    for (size_t j = i % channels; j < got.pixels.size(); j += channels)
      low = std::min<double>(low, picture.pixels[j]), high = std::max<double>(high, picture.pixels[j]);
    const double was = picture.pixels[i];
    ASSERT_EQ(got.pixels[i], low == high ? was : rounded((was - low) * 255 / (high - low)));
  }
}

// A value becomes its rank: how many pixels are darker, in units of a 255th of those that are not the brightest.
TEST_P(Tone, EqualizeMakesTheHistogramEven) {
  for (uint8_t& v : picture.pixels) v = uint8_t(v / 64 * 9 + 100);  // few values, so that there are steps
  const Image got = changed(equalize);
  const auto channels = size_t(picture.channels);
  for (size_t i = 0; i < got.pixels.size(); i++) {
    int64_t darker = 0, brightest = 0, all = 0;
    int top = 0;
    for (size_t j = i % channels; j < got.pixels.size(); j += channels)
      top = std::max<int>(top, picture.pixels[j]);
    for (size_t j = i % channels; j < got.pixels.size(); j += channels)
      darker += picture.pixels[j] < picture.pixels[i], brightest += picture.pixels[j] == top, all++;
    const int64_t step = (all - brightest) / 255;
    ASSERT_EQ(got.pixels[i],
              step == 0 ? picture.pixels[i] : std::min<int64_t>(255, (darker + step / 2) / step));
  }
}

TEST(Equalize, SpreadsADarkPictureOverAllValues) {
  Image dark = noise({64, 64, 1}, 7);
  for (uint8_t& v : dark.pixels) v /= 8;
  equalize(view_of(dark));
  EXPECT_LE(*std::min_element(dark.pixels.begin(), dark.pixels.end()), 1);
  EXPECT_EQ(*std::max_element(dark.pixels.begin(), dark.pixels.end()), 255);
}

TEST_P(Tone, NothingChangesAtFactorOneOrMagnitudeZero) {
  EXPECT_EQ(changed([](const PixelView& v) { adjust_brightness(v, kFixedOne); }).pixels, picture.pixels);
  EXPECT_EQ(changed([](const PixelView& v) { adjust_contrast(v, kFixedOne); }).pixels, picture.pixels);
  EXPECT_EQ(changed([](const PixelView& v) { adjust_saturation(v, kFixedOne); }).pixels, picture.pixels);
  EXPECT_EQ(changed([&](const PixelView& v) { adjust_sharpness(v, kFixedOne, scratch); }).pixels,
            picture.pixels);
  for (int op = 0; op < kPolicyOps; op++) {
    if (PolicyOp(op) == PolicyOp::autocontrast || PolicyOp(op) == PolicyOp::equalize) continue;
    for (bool negative : {false, true})
      EXPECT_EQ(changed([&](const PixelView& v) { apply(PolicyOp(op), 0, negative, v, scratch); }).pixels,
                picture.pixels)
          << name_of(PolicyOp(op));
  }
}

// The policy's magnitudes are these factors.
TEST_P(Tone, PolicyPassesItsMagnitudeOn) {
  for (int m = 1; m <= 10; m++)
    for (bool negative : {false, true}) {
      const int factor = int(std::floor(65536 * (negative ? -0.09 : 0.09) * m + 0.5)) + 65536;
      const auto policy = [&](PolicyOp op) {
        return changed([&](const PixelView& v) { apply(op, m, negative, v, scratch); }).pixels;
      };
      EXPECT_EQ(policy(PolicyOp::brightness),
                changed([&](const auto& v) { adjust_brightness(v, factor); }).pixels);
      EXPECT_EQ(policy(PolicyOp::contrast),
                changed([&](const auto& v) { adjust_contrast(v, factor); }).pixels);
      EXPECT_EQ(policy(PolicyOp::color),
                changed([&](const auto& v) { adjust_saturation(v, factor); }).pixels);
      EXPECT_EQ(policy(PolicyOp::sharpness),
                changed([&](const auto& v) { adjust_sharpness(v, factor, scratch); }).pixels);
      EXPECT_EQ(policy(PolicyOp::posterize),
                changed([&](const auto& v) { posterize(v, int(std::lround(8 - 0.4 * m))); }).pixels);
      EXPECT_EQ(policy(PolicyOp::solarize),
                changed([&](const auto& v) { solarize(v, int(std::lround(256 - 25.6 * m))); }).pixels);
      EXPECT_EQ(policy(PolicyOp::autocontrast), changed(autocontrast).pixels);
      EXPECT_EQ(policy(PolicyOp::equalize), changed(equalize).pixels);
      EXPECT_EQ(policy(PolicyOp::identity), picture.pixels);
    }
}

}  // namespace
}  // namespace gabor
