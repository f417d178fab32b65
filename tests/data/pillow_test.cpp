// Decoding beside Pillow, on the files and pixels that tests/golden/pictures.py made.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "data/decode.h"
#include "data/fixture.h"

namespace gabor {
namespace {

const std::string kFolder = GABOR_SOURCE_DIR "/tests/golden/pictures/";

TEST(Decode, PixelsAreWithinOneLevelOfPillows) {
  std::ifstream golden(kFolder + "pixels.txt");
  int files = 0, equal = 0;
  for (std::string name, hex; golden >> name; files++) {
    int height = 0, width = 0;
    ASSERT_TRUE(golden >> height >> width >> hex) << name;
    const Image image = decode(test::read_bytes(kFolder + name), name, 3);
    ASSERT_EQ(image.height, height) << name;
    ASSERT_EQ(image.width, width) << name;
    ASSERT_EQ(hex.size(), 2 * image.pixels.size()) << name;
    int worst = 0;
    for (size_t i = 0; i < image.pixels.size(); i++)
      worst = std::max(worst, std::abs(image.pixels[i] - std::stoi(hex.substr(2 * i, 2), nullptr, 16)));
    EXPECT_LE(worst, 1) << name;
    equal += worst == 0;
  }
  EXPECT_EQ(files, 22);
  EXPECT_GE(equal, 16);  // all but those whose alpha or black is multiplied in
}

}  // namespace
}  // namespace gabor
