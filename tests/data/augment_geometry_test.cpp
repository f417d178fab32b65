// Operations that move pixels, against naive loops in double precision that were written from the definitions.
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "data/augment/geometry.h"
#include "data/augment/policy.h"
#include "data/augment_pictures.h"

namespace gabor {
namespace {

using test::kShapes;
using test::noise;
using test::view_of;

class Geometry : public ::testing::TestWithParam<test::PictureShape> {
 protected:
  Image picture = noise(GetParam(), 1);
  Image scratch;
  int at(const Image& image, int y, int x, int c) const {
    return image.pixels[size_t((y * image.width + x) * image.channels + c)];
  }
  // check(y, x, c) for every value.
  template <class Check>
  void for_each(Check&& check) const {
    for (int y = 0; y < picture.height; y++)
      for (int x = 0; x < picture.width; x++)
        for (int c = 0; c < picture.channels; c++) check(y, x, c);
  }
};

INSTANTIATE_TEST_SUITE_P(Shapes, Geometry, ::testing::ValuesIn(kShapes), test::shape_name);

// Bilinear at the centres of the output's pixels; beyond the outer centres the border's value goes on.
double bilinear(const Image& image, const Box& box, int y, int x, int c) {
  const auto position = [](int i, int inner, int outer) {
    return std::clamp((i + 0.5) * inner / outer - 0.5, 0.0, inner - 1.0);
  };
  const double v = position(y, box.height, image.height), u = position(x, box.width, image.width);
  double sum = 0;
  for (int dy = 0; dy < 2; dy++)
    for (int dx = 0; dx < 2; dx++) {
      const int row = std::min(int(v) + dy, box.height - 1), column = std::min(int(u) + dx, box.width - 1);
      const double weight = (dy ? v - int(v) : 1 - (v - int(v))) * (dx ? u - int(u) : 1 - (u - int(u)));
      sum += weight *
             image.pixels[size_t(((box.top + row) * image.width + box.left + column) * image.channels + c)];
    }
  return sum;
}

TEST_P(Geometry, CropIsBilinearWithinTwoRoundings) {
  Random random({.seed = 5});
  for (int draw = 0; draw < 20; draw++) {
    const Box box = draw_box(
        random, {.least_area = kFixedOne / 20, .most_area = kFixedOne, .most_stretch = 2 * kFixedOne},
        picture.height, picture.width);
    Image cropped = picture;
    crop(view_of(cropped), box, scratch);
    for_each([&](int y, int x, int c) {
      ASSERT_NEAR(at(cropped, y, x, c), bilinear(picture, box, y, x, c),
                  1.01);  // half a step for rows and columns each
    });
  }
}

TEST_P(Geometry, CropOfAllIsThePicture) {
  Image cropped = picture;
  crop(view_of(cropped), {.height = picture.height, .width = picture.width}, scratch);
  EXPECT_EQ(cropped.pixels, picture.pixels);
}

// One step at a time, turning round at either end.
int bounced(int from, int steps, int size) {
  int at = from, direction = steps < 0 ? -1 : 1;
  for (int i = 0; i < std::abs(steps) && size > 1; i++) {
    if (at + direction < 0 || at + direction >= size) direction = -direction;
    at += direction;
  }
  return at;
}

TEST_P(Geometry, TranslateReflectsWithoutRepeatingTheBorder) {
  for (int dy : {-9, -2, 0, 1, 30})
    for (int dx : {-40, -1, 0, 3, 7}) {
      Image moved = picture;
      translate(view_of(moved), dy, dx, scratch);
      for_each([&](int y, int x, int c) {
        const int row = bounced(y, -dy, picture.height), column = bounced(x, -dx, picture.width);
        ASSERT_EQ(at(moved, y, x, c), at(picture, row, column, c)) << dy << " " << dx;
      });
    }
}

// What transform may give: the value nearest to the place from which the pixel comes, or, where two are as near but
// for the rounding of the factors, either.
std::set<int> nearest(const Image& image, double row, double column, int c) {
  constexpr double kDoubt = 2e-3;  // pixels: 50 times 2^-16, and as much again
  std::set<int> values;
  for (double dy : {-kDoubt, kDoubt})
    for (double dx : {-kDoubt, kDoubt}) {
      const int y = int(std::floor(row + 0.5 + dy)), x = int(std::floor(column + 0.5 + dx));
      const bool inside = y >= 0 && y < image.height && x >= 0 && x < image.width;
      values.insert(inside ? image.pixels[size_t((y * image.width + x) * image.channels + c)] : 128);
    }
  return values;
}

// map(y, x): the place in pixels from the centre from which the pixel there comes.
template <class Map>
void expect_mapped(const Image& picture, const Image& got, Map&& map) {
  const double middle_y = (picture.height - 1) / 2.0, middle_x = (picture.width - 1) / 2.0;
  for (int y = 0; y < picture.height; y++)
    for (int x = 0; x < picture.width; x++)
      for (int c = 0; c < picture.channels; c++) {
        const auto [row, column] = map(y - middle_y, x - middle_x);
        const int value = got.pixels[size_t((y * picture.width + x) * picture.channels + c)];
        ASSERT_TRUE(nearest(picture, row + middle_y, column + middle_x, c).contains(value)) << y << " " << x;
      }
}

using Place = std::pair<double, double>;

TEST_P(Geometry, PolicyRotatesShearsAndTranslates) {
  for (int magnitude = 0; magnitude <= 10; magnitude++)
    for (bool negative : {false, true}) {
      SCOPED_TRACE(magnitude);
      const double sign = negative ? -1 : 1, angle = sign * 3 * magnitude * std::acos(-1.0) / 180;
      const auto applied = [&](PolicyOp op) {
        Image image = picture;
        apply(op, magnitude, negative, view_of(image), scratch);
        return image;
      };
      expect_mapped(picture, applied(PolicyOp::rotate), [&](double y, double x) {
        return Place(std::cos(angle) * y - std::sin(angle) * x, std::sin(angle) * y + std::cos(angle) * x);
      });
      const double shear = sign * 0.03 * magnitude;
      expect_mapped(picture, applied(PolicyOp::shear_x),
                    [&](double y, double x) { return Place(y, x + shear * y); });
      expect_mapped(picture, applied(PolicyOp::shear_y),
                    [&](double y, double x) { return Place(y + shear * x, x); });
      const auto moved = [&](int length) { return sign * std::floor(length * 15.0 * magnitude / 331 + 0.5); };
      expect_mapped(picture, applied(PolicyOp::translate_x),
                    [&](double y, double x) { return Place(y, x + moved(picture.width)); });
      expect_mapped(picture, applied(PolicyOp::translate_y),
                    [&](double y, double x) { return Place(y + moved(picture.height), x); });
    }
}

TEST(DrawBox, AreaStretchAndPlaceAreAsAskedFor) {
  constexpr int kDraws = 10'000, kHeight = 2000, kWidth = 1000;
  constexpr double kLeast = 0.25, kMost = 0.75, kStretch = 1.5;
  Random random({.seed = 2});
  double area = 0, top = 0, left = 0, smallest = 1, largest = 0, most_stretch = 0;
  int upright = 0;
  for (int i = 0; i < kDraws; i++) {
    const Box b = draw_box(random,
                           {.least_area = uint32_t(kLeast * kFixedOne),
                            .most_area = uint32_t(kMost * kFixedOne),
                            .most_stretch = uint32_t(kStretch * kFixedOne)},
                           kHeight, kWidth);
    ASSERT_TRUE(b.top >= 0 && b.left >= 0 && b.top + b.height <= kHeight && b.left + b.width <= kWidth);
    const double h = double(b.height) / kHeight, w = double(b.width) / kWidth;
    area += h * w, smallest = std::min(smallest, h * w), largest = std::max(largest, h * w);
    most_stretch = std::max({most_stretch, h / w, w / h});
    upright += h > w;
    if (b.height < kHeight) top += double(b.top) / (kHeight - b.height) / kDraws;
    if (b.width < kWidth) left += double(b.left) / (kWidth - b.width) / kDraws;
  }
  EXPECT_NEAR(area / kDraws, (kLeast + kMost) / 2, 4 * (kMost - kLeast) / std::sqrt(12.0 * kDraws));
  EXPECT_NEAR(smallest, kLeast, 0.002);
  EXPECT_NEAR(largest, kMost, 0.002);
  EXPECT_NEAR(most_stretch, kStretch, 0.01);
  EXPECT_NEAR(upright, kDraws / 2, 200);  // 4 deviations
  EXPECT_NEAR(top, 0.5, 4 / std::sqrt(12.0 * kDraws));
  EXPECT_NEAR(left, 0.5, 4 / std::sqrt(12.0 * kDraws));
}

TEST(DrawBox, SidesFollowFromAreaAndStretch) {
  Random random({.seed = 3});
  constexpr uint32_t kQuarter = kFixedOne / 4;
  for (int i = 0; i < 1000; i++) {
    const Box b =
        draw_box(random, {.least_area = kQuarter, .most_area = kQuarter, .most_stretch = kFixedOne}, 301, 64);
    EXPECT_EQ(b.height, 151);  // 301 / 2, rounded up
    EXPECT_EQ(b.width, 32);
    const Box longest =
        draw_box(random, {.least_area = kQuarter, .most_area = kQuarter, .most_stretch = 100 * kFixedOne},
                 65535, 65535);
    EXPECT_NEAR(double(longest.height) * longest.width / 65535 / 65535, 0.25, 1e-4);
  }
}

TEST(DrawBox, IsAllOfThePictureAtAreaOneAndNeverEmpty) {
  Random random({.seed = 4});
  for (int i = 0; i < 100; i++) {
    EXPECT_EQ(draw_box(random, {.most_stretch = 3 * kFixedOne}, 7, 5), (Box{0, 0, 7, 5}));
    const Box b = draw_box(random, {.least_area = 1, .most_area = 9, .most_stretch = 4 * kFixedOne}, 3, 1);
    EXPECT_EQ(b.height, 1);
    EXPECT_EQ(b.width, 1);
  }
}

}  // namespace
}  // namespace gabor
