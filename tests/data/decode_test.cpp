#include "data/decode.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <opencv2/imgcodecs.hpp>
#include <sstream>

#include "core/text.h"
#include "data/fixture.h"
#include "data/image_header.h"
#include "data/pixels.h"

namespace gabor {
namespace {

using test::Bytes;
using test::operator+;

std::string decode_error(const Bytes& bytes) {
  return test::error_of(ErrorCode::data, [&] { decode(bytes, "here/name.jpg", 3); });
}

Bytes with_crc(const std::string& type, const Bytes& body) {
  Bytes typed(type.begin(), type.end());
  typed = typed + body;
  return test::big_endian(uint32_t(body.size())) + typed +
         test::big_endian(uint32_t(crc32(0, typed.data(), uInt(typed.size()))));
}

// A PNG of bytes per pixel as told by colour type and depth; rows without filter.
Bytes png(int width, int height, uint8_t depth, uint8_t colour_type, const Bytes& pixels) {
  const size_t row = pixels.size() / size_t(height);
  Bytes raw;
  for (int y = 0; y < height; y++) {
    raw.push_back(0);
    raw.insert(raw.end(), pixels.begin() + std::ptrdiff_t(row * size_t(y)),
               pixels.begin() + std::ptrdiff_t(row * size_t(y + 1)));
  }
  uLongf size = compressBound(raw.size());
  Bytes packed(size);
  compress(packed.data(), &size, raw.data(), raw.size());
  packed.resize(size);
  const Bytes header = test::big_endian(uint32_t(width)) + test::big_endian(uint32_t(height)) +
                       Bytes{depth, colour_type, 0, 0, 0};
  return Bytes{0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'} + with_crc("IHDR", header) +
         with_crc("IDAT", packed) + with_crc("IEND", {});
}

TEST(Decode, LosslessFormatsReturnTheirPixels) {
  const Image image = test::picture(11, 17, 3, 4);
  for (const char* extension : {".png", ".bmp"}) {
    const Image back = decode(test::encode(image, extension), extension, 3);
    EXPECT_EQ(back.height, 11);
    EXPECT_EQ(back.width, 17);
    EXPECT_EQ(back.pixels, image.pixels) << extension;
  }
}

TEST(Decode, JpegIsBitEqualToOpenCv) {
  const Bytes jpeg = test::encode(test::picture(75, 101, 3, 1), ".jpg");
  const Image ours = decode(jpeg, "a.jpg", 3);
  const cv::Mat theirs = cv::imdecode(jpeg, cv::IMREAD_COLOR);
  ASSERT_EQ(theirs.rows, ours.height);
  ASSERT_EQ(theirs.cols, ours.width);
  for (int y = 0; y < ours.height; y++)
    for (int x = 0; x < ours.width; x++)
      for (int c = 0; c < 3; c++)
        ASSERT_EQ(ours.row(y)[3 * x + c], theirs.ptr(y)[3 * x + 2 - c]) << y << ',' << x;
}

TEST(Decode, WebpComesNearItsPixels) {
  const Image image = test::picture(40, 60, 3, 2);
  const Image back = decode(test::encode(image, ".webp"), "a.webp", 3);
  ASSERT_EQ(back.pixels.size(), image.pixels.size());
  double sum = 0;
  for (size_t i = 0; i < image.pixels.size(); i++)
    sum += std::abs(int(image.pixels[i]) - int(back.pixels[i]));
  EXPECT_LT(sum / double(image.pixels.size()), 4.0);
}

TEST(Decode, GrayAndColourConvertBothWays) {
  const Image gray = test::picture(9, 7, 1, 3);
  const Image as_rgb = decode(test::encode(gray, ".png"), "g.png", 3);
  for (size_t i = 0; i < gray.pixels.size(); i++)
    for (size_t c = 0; c < 3; c++) ASSERT_EQ(as_rgb.pixels[3 * i + c], gray.pixels[i]);
  const Image colour = test::picture(9, 7, 3, 3);
  const Image as_gray = decode(test::encode(colour, ".png"), "c.png", 1);
  ASSERT_EQ(as_gray.channels, 1);
  for (size_t i = 0; i < as_gray.pixels.size(); i++) {
    const double y =
        0.299 * colour.pixels[3 * i] + 0.587 * colour.pixels[3 * i + 1] + 0.114 * colour.pixels[3 * i + 2];
    ASSERT_NEAR(as_gray.pixels[i], y, 0.51);
  }
}

TEST(Decode, SixteenBitsKeepTheHighByte) {
  const Image image = decode(png(2, 1, 16, 0, {0x12, 0xFF, 0xFE, 0x00}), "16.png", 1);
  EXPECT_EQ(image.pixels, (Bytes{0x12, 0xFE}));
}

TEST(Decode, AlphaIsLaidOverBlack) {
  const Image image =
      decode(png(3, 1, 8, 6, {200, 100, 50, 255, 200, 100, 50, 128, 200, 100, 50, 0}), "a.png", 3);
  EXPECT_EQ(image.pixels, (Bytes{200, 100, 50, 100, 50, 25, 0, 0, 0}));
  const Image gray = decode(png(2, 1, 8, 4, {200, 255, 200, 51}), "ga.png", 1);
  EXPECT_EQ(gray.pixels, (Bytes{200, 40}));
}

// The picture 1 2 3 / 4 5 6 as a camera of each orientation stores it must come out upright.
TEST(Decode, ExifOrientationsTurnThePictureUpright) {
  const std::vector<std::pair<ImageSize, Bytes>> stored = {
      {{2, 3}, {1, 2, 3, 4, 5, 6}}, {{2, 3}, {3, 2, 1, 6, 5, 4}}, {{2, 3}, {6, 5, 4, 3, 2, 1}},
      {{2, 3}, {4, 5, 6, 1, 2, 3}}, {{3, 2}, {1, 4, 2, 5, 3, 6}}, {{3, 2}, {3, 6, 2, 5, 1, 4}},
      {{3, 2}, {6, 3, 5, 2, 4, 1}}, {{3, 2}, {4, 1, 5, 2, 6, 3}}};
  for (int orientation = 1; orientation <= 8; orientation++) {
    const auto& [size, pixels] = stored[size_t(orientation - 1)];
    Image image{size.width, size.height, 1, pixels};
    apply_orientation(image, orientation);
    EXPECT_EQ(image.width, 3) << orientation;
    EXPECT_EQ(image.pixels, (Bytes{1, 2, 3, 4, 5, 6})) << orientation;
  }
}

Bytes tiff_with_orientation_6() {
  return {'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0};
}

TEST(Decode, ExifOfJpegIsApplied) {
  const Bytes plain = test::encode(test::picture(20, 30, 3, 1), ".jpg");
  const Bytes tiff = tiff_with_orientation_6();
  const Bytes app1 = Bytes{0xFF, 0xE1, 0, uint8_t(8 + tiff.size()), 'E', 'x', 'i', 'f', 0, 0} + tiff;
  Bytes turned = plain;
  turned.insert(turned.begin() + 2, app1.begin(), app1.end());
  Image expected = decode(plain, "plain", 3);
  apply_orientation(expected, 6);
  const Image image = decode(turned, "turned", 3);
  EXPECT_EQ(image.width, 20);
  EXPECT_EQ(image.height, 30);
  EXPECT_EQ(image.pixels, expected.pixels);
}

TEST(Decode, ExifOfPngIsApplied) {
  Bytes file = png(2, 1, 8, 0, {10, 20});
  const Bytes chunk = with_crc("eXIf", tiff_with_orientation_6());
  file.insert(file.begin() + 33, chunk.begin(), chunk.end());
  const Image image = decode(file, "e.png", 1);
  EXPECT_EQ(image.height, 2);
  EXPECT_EQ(image.pixels, (Bytes{10, 20}));
}

TEST(Decode, JpegCutAnywhereIsRefused) {
  const Bytes whole = test::encode(test::picture(60, 80, 3, 5), ".jpg");
  for (size_t keep : {size_t{1}, size_t{10}, whole.size() / 4, whole.size() / 2, whole.size() - 40,
                      whole.size() - 2, whole.size() - 1}) {
    const std::string message = decode_error(Bytes(whole.begin(), whole.begin() + std::ptrdiff_t(keep)));
    EXPECT_TRUE(message.starts_with("here/name.jpg: ")) << message;
  }
}

TEST(Decode, PngCutOrRottenIsRefused) {
  const Bytes whole = test::encode(test::picture(60, 80, 3, 5), ".png");
  for (size_t keep : {size_t{8}, size_t{30}, whole.size() / 2, whole.size() - 12, whole.size() - 1})
    EXPECT_NE(decode_error(Bytes(whole.begin(), whole.begin() + std::ptrdiff_t(keep))).find("cut short"),
              std::string::npos)
        << keep;
  Bytes rotten = whole;
  rotten[whole.size() / 2] ^= 0x10;
  EXPECT_NE(decode_error(rotten).find("checksum"), std::string::npos);
}

TEST(Decode, CutBmpAndWebpAreRefused) {
  for (const char* extension : {".bmp", ".webp"}) {
    Bytes bytes = test::encode(test::picture(60, 80, 3, 5), extension);
    bytes.resize(bytes.size() * 3 / 4);
    EXPECT_NE(decode_error(bytes).find("cut short"), std::string::npos) << extension;
  }
}

// Found by fuzzing: the rows' bytes do not fit 64 bits.
TEST(Decode, ABmpOfAnySizeIsRefusedWithoutOverflow) {
  Bytes bmp = test::encode(test::picture(4, 4, 3, 1), ".bmp");
  for (size_t at = 18; at < 30; at++) bmp[at] = 0xF1;  // width and height below 0, and 61,937 bits a pixel
  const ImageHeader header = read_image_header(bmp, "b.bmp");
  EXPECT_LT(header.width, 0);
  EXPECT_NE(test::error_of(ErrorCode::data, [&] { check_container(bmp, header, "b.bmp"); }).find("cut short"),
            std::string::npos);
  EXPECT_NE(decode_error(bmp).find("BMP header says"), std::string::npos);
}

TEST(Decode, ABmpOfTooManyColoursIsRefusedBeforeTheDecoder) {
  Bytes bmp = test::encode(test::picture(4, 4, 1, 1), ".bmp");
  bmp[48] = 1;  // colours used: 65,536 more
  EXPECT_NE(decode_error(bmp).find("BMP is damaged: a palette of 65"), std::string::npos);
}

// Found by fuzzing: OpenCV handed such a file to its DICOM decoder, which took 2.4 GB.
TEST(Decode, AWebpWithTheMarkOfAnotherFormatNeverReachesADecoder) {
  for (const auto& [at, mark] : {std::pair{128, "DICM"}, std::pair{140, "DTED"}}) {
    Bytes webp = test::encode(test::picture(60, 80, 3, 5), ".webp");
    ASSERT_GT(webp.size(), 200u);
    std::copy_n(mark, 4, webp.begin() + at);
    EXPECT_NE(decode_error(webp).find("mark of another format"), std::string::npos) << mark;
  }
}

TEST(Decode, EveryPrefixAndRandomDamageEitherDecodesOrThrows) {
  for (const char* extension : {".jpg", ".png", ".bmp", ".webp"}) {
    const Bytes whole = test::encode(test::picture(13, 9, 3, 6), extension);
    for (size_t keep = 0; keep < whole.size(); keep += 3)
      EXPECT_THROW(decode(Bytes(whole.begin(), whole.begin() + std::ptrdiff_t(keep)), "cut", 3), Error)
          << extension << keep;
    uint32_t state = 12345;
    for (int round = 0; round < 300; round++) {
      Bytes damaged = whole;
      for (int k = 0; k < 3; k++) {
        state = state * 1664525 + 1013904223;
        damaged[(state >> 8) % damaged.size()] = uint8_t(state >> 3);
      }
      DecodeLimits limits{.max_pixels = 1'000'000};
      Image image;
      try {
        decode(damaged, "damaged", 3, limits, image);
        EXPECT_EQ(image.pixels.size(), size_t(image.height) * size_t(image.width) * 3);
      } catch (const Error& e) {
        EXPECT_EQ(e.code(), ErrorCode::data) << e.what();
      }
    }
  }
}

TEST(Decode, LimitsAreCheckedBeforeTheDecoder) {
  Bytes giant = png(1, 1, 8, 2, {1, 2, 3});
  const Bytes header = test::big_endian(100000) + test::big_endian(100000) + Bytes{8, 2, 0, 0, 0};
  const Bytes chunk = with_crc("IHDR", header);
  std::copy(chunk.begin(), chunk.end(), giant.begin() + 8);
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_NE(decode_error(giant).find("100000x100000 pixels are over the limit"), std::string::npos);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(10));

  const Bytes jpeg = test::encode(test::picture(20, 30, 3, 1), ".jpg");
  Image image;
  const auto message = [&](const DecodeLimits& limits) {
    return test::error_of(ErrorCode::data, [&] { decode(jpeg, "j", 3, limits, image); });
  };
  EXPECT_NE(message({.max_pixels = 599}).find("30x20"), std::string::npos);
  EXPECT_NE(message({.max_side = 29}).find("30x20"), std::string::npos);
  EXPECT_NE(message({.max_file_bytes = 100}).find("bytes"), std::string::npos);
  EXPECT_NO_THROW(decode(jpeg, "j", 3, {.max_pixels = 600, .max_side = 30}, image));
}

TEST(Decode, ForeignFilesAreNamedAndRefused) {
  EXPECT_NE(decode_error({}).find("here/name.jpg: file is empty"), std::string::npos);
  for (const char* text : {"<html>", "GIF89a......", "II*\0........", "%PDF-1.4 ...."})
    EXPECT_NE(decode_error(Bytes(text, text + 6)).find("not a JPEG, PNG, BMP or WebP"), std::string::npos)
        << text;
  test::error_of(ErrorCode::usage, [] { decode(Bytes{1}, "x", 4); });
}

// Every file of shared/data/odd-images, as its expected.tsv says: columns file, ..., kind (3), decodable (4),
// width (5), height (6), mode (7), ..., exif_orientation (9), mean_rgb (10).
TEST(Decode, OddImagesBehaveAsTheirTableSays) {
  const std::string shared = test::shared_folder();
  if (shared.empty())
    GTEST_SKIP() << "no shared test data: set GABOR_SHARED to the folder that holds data/odd-images";
  const std::string folder = shared + "/data/odd-images/";
  std::ifstream table(folder + "expected.tsv");
  std::string line;
  std::getline(table, line);
  int rows = 0;
  for (; std::getline(table, line); rows++) {
    const auto f = split(line, '\t');
    ASSERT_GT(f.size(), 10u) << line;
    const Bytes bytes = test::read_bytes(folder + f[0]);
    if (f[4] != "yes") {  // "either": we refuse damage
      const std::string message = test::error_of(ErrorCode::data, [&] { decode(bytes, f[0], 3); });
      EXPECT_TRUE(message.starts_with(f[0] + ": ")) << message;
      continue;
    }
    const Image image = decode(bytes, f[0], 3);
    const bool turned = f[9] == "6";
    EXPECT_EQ(image.width, std::stoi(turned ? f[6] : f[5])) << f[0];
    EXPECT_EQ(image.height, std::stoi(turned ? f[5] : f[6])) << f[0];
    if (f[7] == "RGBA" || f[0] == "palette-trns.png") continue;  // the table ignores alpha, we do not
    std::istringstream means(f[10]);
    for (size_t c = 0; c < 3; c++) {
      double expected = 0, sum = 0;
      char slash;
      means >> expected >> slash;
      for (size_t i = c; i < image.pixels.size(); i += 3) sum += image.pixels[i];
      // CMYK to RGB: decoders round differently, by up to one level
      EXPECT_NEAR(sum / double(image.pixels.size() / 3), expected, f[7] == "CMYK" ? 1.1 : 0.1) << f[0];
    }
  }
  EXPECT_EQ(rows, 16);
}

}  // namespace
}  // namespace gabor
