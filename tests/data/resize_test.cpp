#include "data/resize.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <numeric>
#include <opencv2/imgproc.hpp>
#include <sstream>

#include "data/antialias.h"
#include "data/fixture.h"

namespace gabor {
namespace {

Image noise(int height, int width, int channels) {
  Image image;
  image.reshape(height, width, channels);
  uint32_t state = 1;
  for (uint8_t& p : image.pixels) {
    state = state * 1664525 + 1013904223;
    p = uint8_t(state >> 24);
  }
  return image;
}

TEST(Resize, AntialiasIsBitEqualToPillow) {
  std::ifstream golden(GABOR_SOURCE_DIR "/tests/data/pillow_bilinear.txt");
  std::string line;
  int cases = 0;
  while (std::getline(golden, line)) {
    if (line.starts_with("#")) continue;
    std::istringstream fields(line);
    int h, w, c, to_h, to_w;
    std::string hex;
    ASSERT_TRUE(fields >> h >> w >> c >> to_h >> to_w >> hex);
    std::vector<uint8_t> expected, out(size_t(to_h * to_w * c));
    for (size_t i = 0; i < hex.size(); i += 2)
      expected.push_back(uint8_t(std::stoi(hex.substr(i, 2), nullptr, 16)));
    resize(noise(h, w, c), to_h, to_w, Resize::antialias, out.data());
    EXPECT_EQ(out, expected) << h << 'x' << w << 'x' << c << " to " << to_h << 'x' << to_w;
    cases++;
  }
  EXPECT_EQ(cases, 7);
}

TEST(Resize, TapsCoverTheSourceAndAddUpToOne) {
  for (int source : {1, 2, 5, 37, 300, 5000})
    for (int target : {1, 2, 7, 300}) {
      const FilterTaps taps = triangle_taps(source, target);
      for (size_t i = 0; i < size_t(target); i++) {
        EXPECT_GE(taps.first[i], 0);
        EXPECT_GE(taps.count[i], 1);
        EXPECT_LE(taps.count[i], taps.stride);
        EXPECT_LE(taps.first[i] + taps.count[i], source);
        const auto* w = &taps.weight[i * size_t(taps.stride)];
        const int64_t sum = std::accumulate(w, w + taps.count[i], int64_t{0});
        EXPECT_NEAR(double(sum), double(1 << FilterTaps::kBits), taps.count[i]) << source << " to " << target;
      }
    }
}

TEST(Resize, WhiteStaysWhiteAndBlackStaysBlack) {
  for (int value : {0, 255}) {
    Image image;
    image.reshape(211, 173, 3);
    std::fill(image.pixels.begin(), image.pixels.end(), uint8_t(value));
    for (Resize filter : {Resize::antialias, Resize::linear, Resize::area}) {
      std::vector<uint8_t> out(3 * 64 * 300);
      resize(image, 64, 300, filter, out.data());
      EXPECT_TRUE(std::all_of(out.begin(), out.end(), [&](uint8_t p) { return p == value; }))
          << name_of(filter);
    }
  }
}

// One white pixel in 8 x 8: shrunk to 1/8 of the side, its light must not get lost (plain linear loses it).
TEST(Resize, AntialiasAndAreaKeepTheMeanWhereLinearDoesNot) {
  Image image;
  image.reshape(128, 128, 1);
  for (int y = 0; y < 128; y += 8)
    for (int x = 0; x < 128; x += 8) image.row(y)[x] = 255;
  const auto mean = [&](Resize filter) {
    std::vector<uint8_t> out(16 * 16);
    resize(image, 16, 16, filter, out.data());
    return std::accumulate(out.begin(), out.end(), 0.0) / 256;
  };
  EXPECT_NEAR(mean(Resize::antialias), 255.0 / 64, 1.0);
  EXPECT_NEAR(mean(Resize::area), 255.0 / 64, 1.0);
  EXPECT_EQ(mean(Resize::linear), 0.0);
}

TEST(Resize, SameSizeIsACopy) {
  const Image image = noise(10, 13, 3);
  for (Resize filter : {Resize::antialias, Resize::linear, Resize::area}) {
    std::vector<uint8_t> out(image.pixels.size());
    resize(image, 10, 13, filter, out.data());
    EXPECT_EQ(out, image.pixels);
  }
}

TEST(Resize, NamesAndErrors) {
  EXPECT_EQ(resize_from_name("area"), Resize::area);
  EXPECT_NE(test::error_of(ErrorCode::usage, [] { resize_from_name("linar"); }).find("did you mean 'linear'"),
            std::string::npos);
  uint8_t out[3];
  test::error_of(ErrorCode::usage, [&] { resize(noise(2, 2, 3), 0, 5, Resize::area, out); });
}

}  // namespace
}  // namespace gabor
