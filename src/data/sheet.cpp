#include "data/sheet.h"

#include <algorithm>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "core/error.h"
#include "data/resize.h"

namespace gabor {
namespace {

constexpr int kLetter = 7;  // pixels: width of a letter, at most
constexpr uint8_t kPaper = 255;
constexpr Sheet::Colour kMissing{190, 190, 190}, kQuiet{220, 220, 220};

std::string fitted(std::string text, int width) {
  for (char& c : text)
    if (c < ' ' || c > '~') c = '?';
  const auto letters = size_t(std::max(1, width / kLetter));
  return text.size() <= letters ? text : ".." + text.substr(text.size() - letters + 2);
}

// The same pixels, in the order R,G,B.
cv::Mat matrix_of(Image& image) { return {image.height, image.width, CV_8UC3, image.pixels.data()}; }

void fill(cv::Mat on, Sheet::Colour c) { on.setTo(cv::Scalar(c.red, c.green, c.blue)); }

}  // namespace

void Sheet::heading(const std::string& text) {
  strip(kLine + 2 * kGap);
  write(kGap, kLine, text, width() - kGap);
}

void Sheet::strip(int height) {
  Image& added = strips_.emplace_back();
  added.reshape(height, width(), 3);
  std::fill(added.pixels.begin(), added.pixels.end(), kPaper);
}

void Sheet::paste(int x, int y, const Image* image) {
  cv::Mat square = matrix_of(strips_.back())(cv::Rect(x, y, tile_, tile_));
  fill(square, image ? kQuiet : kMissing);
  if (!image) return;
  const double scale = double(tile_) / std::max(image->width, image->height);
  Image small;
  small.reshape(std::max(1, int(image->height * scale)), std::max(1, int(image->width * scale)), 3);
  resize(*image, small.height, small.width, Resize::antialias, small.pixels.data());
  matrix_of(small).copyTo(
      square(cv::Rect((tile_ - small.width) / 2, (tile_ - small.height) / 2, small.width, small.height)));
}

void Sheet::bar(int x, int y, int width, Colour colour) {
  fill(matrix_of(strips_.back())(cv::Rect(x, y, width, kGap)), colour);
}

void Sheet::write(int x, int y, const std::string& text, int width) {
  cv::putText(matrix_of(strips_.back()), fitted(text, width), {x, y}, cv::FONT_HERSHEY_SIMPLEX, 0.38,
              cv::Scalar(0, 0, 0), 1, cv::LINE_AA);
}

std::vector<uint8_t> Sheet::png() const {
  Image whole;
  whole.reshape(0, width(), 3);
  for (const Image& s : strips_) {
    whole.pixels.insert(whole.pixels.end(), s.pixels.begin(), s.pixels.end());
    whole.height += s.height;
  }
  cv::Mat bgr;
  cv::cvtColor(matrix_of(whole), bgr, cv::COLOR_RGB2BGR);
  std::vector<uint8_t> bytes;
  GABOR_CHECK(cv::imencode(".png", bgr, bytes));
  return bytes;
}

}  // namespace gabor
