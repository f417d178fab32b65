#include "data/sample_pictures.h"

#include <algorithm>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "core/error.h"
#include "core/philox.h"
#include "data/demo_brush.h"

namespace gabor {
namespace {

using Bytes = std::vector<uint8_t>;

// A side of a picture: that many times the net's input, within what keeps the files small.
int side(int input, double times, int most) { return std::clamp(int(input * times), 8, most); }

// Picture number i of the demo set's kind, at that size; B,G,R.
cv::Mat draw(uint32_t i, int height, int width) {
  Random random({.seed = 1, .purpose = Purpose::demo, .a = 1, .b = i});  // a = 0 is the demo set itself
  cv::Mat picture;
  cv::resize(demo::draw_scene(i % 2 == 1, random), picture, {width, height}, 0, 0, cv::INTER_AREA);
  return picture;
}

Bytes encode(const char* extension, const cv::Mat& picture) {
  Bytes bytes;
  GABOR_CHECK(cv::imencode(extension, picture, bytes, {cv::IMWRITE_JPEG_QUALITY, 80}));
  return bytes;
}

// Puts an EXIF block behind a JPEG's first marker: orientation 6, to be turned clockwise by a quarter.
Bytes turned(Bytes jpeg) {
  constexpr uint8_t kExif[] = {0xFF, 0xE1, 0, 34,   'E', 'x', 'i', 'f', 0, 0, 'M', 'M', 0, 42, 0, 0, 0, 8,
                               0,    1,    1, 0x12, 0,   3,   0,   0,   0, 1, 0,   6,   0, 0,  0, 0, 0, 0};
  jpeg.insert(jpeg.begin() + 2, std::begin(kExif), std::end(kExif));
  return jpeg;
}

// An alpha channel that falls from left to right.
cv::Mat with_alpha(const cv::Mat& picture) {
  cv::Mat out;
  cv::cvtColor(picture, out, cv::COLOR_BGR2BGRA);
  for (int y = 0; y < out.rows; y++)
    for (int x = 0; x < out.cols; x++) out.at<cv::Vec4b>(y, x)[3] = uint8_t(255 - 200 * x / out.cols);
  return out;
}

}  // namespace

std::vector<Bytes> sample_pictures(int height, int width) {
  constexpr int kLargeJpeg = 512, kSmallJpeg = 256, kPng = 56;  // some 70 KiB in all
  // Stored lying, as a camera that was held upright does.
  const cv::Mat lying = draw(0, side(width, 1.9, kLargeJpeg), side(height, 1.6, kLargeJpeg));
  cv::Mat gray, deep;
  cv::cvtColor(draw(1, side(height, 0.7, kSmallJpeg), side(width, 0.9, kSmallJpeg)), gray,
               cv::COLOR_BGR2GRAY);
  draw(2, side(height, 1.3, kPng), side(width, 0.8, kPng)).convertTo(deep, CV_16U, 257, 100);
  const cv::Mat clear = with_alpha(draw(3, side(height, 0.8, kPng), side(width, 1.3, kPng)));
  return {turned(encode(".jpg", lying)), encode(".jpg", gray), encode(".png", deep), encode(".png", clear)};
}

}  // namespace gabor
