#include "data/sample_pictures.h"

#include <gtest/gtest.h>

#include <set>

#include "data/decode.h"
#include "data/image_header.h"

namespace gabor {
namespace {

TEST(SamplePictures, MeetEveryRuleOfDecoding) {
  const auto files = sample_pictures(96, 64);
  ASSERT_EQ(files.size(), 4u);
  const ImageHeader turned = read_image_header(files[0], "0"), gray = read_image_header(files[1], "1");
  EXPECT_EQ(turned.kind, ImageKind::jpeg);
  EXPECT_EQ(turned.orientation, 6);
  const Image upright = decode(files[0], "0", 3);
  EXPECT_EQ(upright.width, turned.height) << "EXIF was not heeded";
  EXPECT_GT(upright.width, 64);
  EXPECT_GT(upright.height, 96);
  EXPECT_EQ(gray.kind, ImageKind::jpeg);
  EXPECT_LT(decode(files[1], "1", 1).width, 64);
  for (size_t i : {2, 3}) EXPECT_EQ(read_image_header(files[i], "png").kind, ImageKind::png);
  EXPECT_EQ(files[2].at(24), 16) << "bits a channel";
  EXPECT_EQ(files[3].at(25), 6) << "colour type: with alpha";
  std::set<std::vector<uint8_t>> different;
  for (const auto& file : files) different.insert(decode(file, "file", 3).pixels);
  EXPECT_EQ(different.size(), 4u);
}

TEST(SamplePictures, StaySmallAndTheSame) {
  for (const int side : {1, 28, 300, 2000}) {
    size_t bytes = 0;
    for (const auto& file : sample_pictures(side, side)) bytes += file.size();
    EXPECT_LT(bytes, 80u << 10) << side;
  }
  EXPECT_EQ(sample_pictures(28, 28), sample_pictures(28, 28));
}

}  // namespace
}  // namespace gabor
