#include "data/demo_set.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <set>

#include "data/doctor.h"
#include "data/fixture.h"

namespace gabor {
namespace {

namespace fs = std::filesystem;

TEST(DemoSet, IsRealJpegOfManySizesAndPassesTheDoctor) {
  test::TempFolder temp;
  const DataSplits data = make_demo_set(temp.path("demo"), {.count = 200});
  EXPECT_EQ(data.dataset->classes(), (std::vector<std::string>{"cat", "dog"}));
  EXPECT_EQ(data.train.size(), 140u);
  EXPECT_EQ(data.val.size(), 60u);
  const DataReport report = examine(data);
  EXPECT_TRUE(report.ok());
  EXPECT_TRUE(report.warnings.empty()) << report.warnings[0];
  EXPECT_TRUE(report.duplicates.empty());
  EXPECT_GE(report.width.min, 90);
  EXPECT_LE(report.width.max, 500);
  std::set<std::pair<int, int>> sizes;
  int portrait = 0;
  for (size_t i = 0; i < data.dataset->size(); i++) {
    const auto bytes = data.dataset->bytes(i);
    EXPECT_EQ(bytes[0], 0xFF);
    EXPECT_EQ(bytes[1], 0xD8);
    const Image image = data.dataset->load(i, 3);
    sizes.insert({image.width, image.height});
    portrait += image.height > image.width;
  }
  EXPECT_GT(sizes.size(), 150u);
  EXPECT_GT(portrait, 30);
  EXPECT_LT(portrait, 110);
}

// Colour must not tell the classes apart: the means of the two differ by less than chance allows at 4
// deviations.
TEST(DemoSet, MeanColourSaysNothingOfTheClass) {
  test::TempFolder temp;
  const DataSplits data = make_demo_set(temp.path("demo"), {.count = 300});
  std::array<std::array<double, 3>, 2> sum{}, squares{};
  for (size_t i = 0; i < data.dataset->size(); i++) {
    const Image image = data.dataset->load(i, 3);
    for (size_t c = 0; c < 3; c++) {
      double mean = 0;
      for (size_t p = c; p < image.pixels.size(); p += 3) mean += image.pixels[p];
      mean /= double(image.pixels.size() / 3);
      sum[size_t(data.dataset->label(i))][c] += mean;
      squares[size_t(data.dataset->label(i))][c] += mean * mean;
    }
  }
  for (size_t c = 0; c < 3; c++) {
    const double n = 150, cat = sum[0][c] / n, dog = sum[1][c] / n;
    const double variance = squares[0][c] / n - cat * cat + squares[1][c] / n - dog * dog;
    EXPECT_LT(std::abs(cat - dog), 4 * std::sqrt(variance / n)) << c;
  }
}

TEST(DemoSet, SameOptionsSameBytesOtherSeedOtherBytes) {
  test::TempFolder temp;
  const auto bytes = [](const DataSplits& d) {
    std::vector<uint8_t> all;
    for (size_t i = 0; i < d.dataset->size(); i++) {
      const auto b = d.dataset->bytes(i);
      all.insert(all.end(), b.begin(), b.end());
    }
    return all;
  };
  const auto first = bytes(make_demo_set(temp.path("a"), {.count = 12, .seed = 5}));
  EXPECT_EQ(bytes(make_demo_set(temp.path("b"), {.count = 12, .seed = 5})), first);
  EXPECT_NE(bytes(make_demo_set(temp.path("c"), {.count = 12, .seed = 6})), first);
}

TEST(DemoSet, IsDrawnOnceAndAgainOnlyWhenNeeded) {
  test::TempFolder temp;
  const std::string folder = temp.path("demo");
  make_demo_set(folder, {.count = 12});
  const auto first_file = folder + "/cat/0000.jpg";
  const auto time = fs::last_write_time(first_file);
  make_demo_set(folder, {.count = 12});
  EXPECT_EQ(fs::last_write_time(first_file), time);
  fs::remove(folder + "/dog/0003.jpg");  // no longer complete
  EXPECT_EQ(make_demo_set(folder, {.count = 12}).dataset->size(), 12u);
  EXPECT_EQ(make_demo_set(folder, {.count = 20}).dataset->size(), 20u);
  EXPECT_EQ(make_demo_set(folder, {.count = 12}).dataset->size(), 12u);
}

TEST(DemoSet, ForeignFilesAreNotTouched) {
  test::TempFolder temp;
  test::write_picture(temp.path("mine/cat/holiday.png"), 1);
  const std::string message =
      test::error_of(ErrorCode::data, [&] { make_demo_set(temp.path("mine"), {.count = 12}); });
  EXPECT_NE(message.find("holds no demo set"), std::string::npos) << message;
  EXPECT_TRUE(fs::exists(temp.path("mine/cat/holiday.png")));
  test::write_bytes(temp.path("file"), {1});
  test::error_of(ErrorCode::data, [&] { make_demo_set(temp.path("file"), {.count = 12}); });
  test::error_of(ErrorCode::usage, [&] { make_demo_set(temp.path("x"), {.count = 2}); });
}

}  // namespace
}  // namespace gabor
