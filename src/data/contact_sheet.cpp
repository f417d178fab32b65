#include "data/contact_sheet.h"

#include <fmt/format.h>

#include <algorithm>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <string>

#include "core/error.h"
#include "data/pixels.h"
#include "data/resize.h"

namespace gabor {
namespace {

constexpr int kGap = 4, kLine = 16;  // pixels: between tiles; of a line of text
constexpr int kLetter = 7;           // pixels: width of a letter, at most
const cv::Scalar kPaper(255, 255, 255), kInk(0, 0, 0), kMissing(190, 190, 190);  // B,G,R
const cv::Scalar kRed(40, 40, 220), kOrange(0, 150, 255), kQuiet(220, 220, 220);

// Keeps the end, where the file's name is, when the text is longer than width pixels.
std::string fitted(std::string text, int width) {
  for (char& c : text)
    if (c < ' ' || c > '~') c = '?';
  const auto letters = size_t(std::max(1, width / kLetter));
  return text.size() <= letters ? text : ".." + text.substr(text.size() - letters + 2);
}

// Grows downwards, a strip at a time.
class Sheet {
 public:
  Sheet(const Dataset& dataset, const SheetOptions& options)
      : dataset_(dataset), tile_(options.tile), width_(options.columns * (options.tile + kGap) + kGap) {}

  cv::Mat strip(int height) { return strips_.emplace_back(height, width_, CV_8UC3, kPaper); }

  void heading(const std::string& text) { write(strip(kLine + 2 * kGap), kGap, kLine, text, width_ - kGap); }

  void write(cv::Mat on, int x, int y, const std::string& text, int width) const {
    cv::putText(on, fitted(text, width), {x, y}, cv::FONT_HERSHEY_SIMPLEX, 0.38, kInk, 1, cv::LINE_AA);
  }

  // Sample i in the square whose upper left corner is at x, y.
  void paste(cv::Mat on, int x, int y, uint32_t i) const {
    cv::Mat square = on(cv::Rect(x, y, tile_, tile_));
    square.setTo(kMissing);
    try {
      const Image image = dataset_.load(i, 3);
      const double scale = double(tile_) / std::max(image.width, image.height);
      Image small;
      small.reshape(std::max(1, int(image.height * scale)), std::max(1, int(image.width * scale)), 3);
      resize(image, small.height, small.width, Resize::antialias, small.pixels.data());
      const cv::Mat rgb(small.height, small.width, CV_8UC3, small.pixels.data());
      square.setTo(kQuiet);
      cv::cvtColor(
          rgb,
          square(cv::Rect((tile_ - small.width) / 2, (tile_ - small.height) / 2, small.width, small.height)),
          cv::COLOR_RGB2BGR);
    } catch (const Error&) {  // the report names it; here the tile stays grey
    }
  }

  int x_of(int column) const { return kGap + column * (tile_ + kGap); }
  int tile() const { return tile_; }

  std::vector<uint8_t> png() const {
    cv::Mat whole;
    cv::vconcat(strips_, whole);
    std::vector<uint8_t> bytes;
    GABOR_CHECK(cv::imencode(".png", whole, bytes));
    return bytes;
  }

 private:
  const Dataset& dataset_;
  int tile_, width_;
  std::vector<cv::Mat> strips_;
};

std::vector<std::vector<uint32_t>> samples_by_class(const DataSplits& data) {
  std::vector<std::vector<uint32_t>> samples(data.dataset->classes().size());
  for (const std::vector<uint32_t>* part : {&data.train, &data.val, &data.test})
    for (uint32_t i : *part) samples[size_t(data.dataset->label(i))].push_back(i);
  return samples;
}

void add_class(Sheet& sheet, const std::string& name, const std::vector<uint32_t>& samples, int columns) {
  sheet.heading(fmt::format("{}: {} pictures", name, samples.size()));
  if (samples.empty()) return;
  cv::Mat strip = sheet.strip(sheet.tile() + kGap);
  const size_t shown = std::min(size_t(columns), samples.size());
  for (size_t k = 0; k < shown; k++)
    sheet.paste(strip, sheet.x_of(int(k)), 0, samples[k * samples.size() / shown]);
}

void add_pairs(Sheet& sheet, const std::string& title, const std::vector<DuplicatePair>& pairs,
               const SheetOptions& options) {
  if (pairs.empty()) return;
  const size_t shown = std::min(size_t(options.max_pairs), pairs.size());
  sheet.heading(fmt::format("{}: {}, {} shown", title, pairs.size(), shown));
  const int per_strip = std::max(1, options.columns / 2);
  cv::Mat strip;
  for (size_t k = 0; k < shown; k++) {
    const DuplicatePair& pair = pairs[k];
    const int column = int(k) % per_strip * 2;
    if (column == 0) strip = sheet.strip(sheet.tile() + 2 * kLine + 2 * kGap);
    const int x = sheet.x_of(column), width = 2 * sheet.tile() + kGap;
    sheet.paste(strip, x, 0, pair.first_sample);
    sheet.paste(strip, sheet.x_of(column + 1), 0, pair.second_sample);
    const cv::Scalar& colour = pair.labels_differ ? kRed : pair.across_parts ? kOrange : kQuiet;
    cv::rectangle(strip, cv::Rect(x, sheet.tile(), width, kGap), colour, cv::FILLED);
    sheet.write(strip, x, sheet.tile() + kGap + kLine - 4, pair.first, width);
    sheet.write(strip, x, sheet.tile() + kGap + 2 * kLine - 4, pair.second, width);
  }
}

}  // namespace

std::vector<uint8_t> contact_sheet(const DataSplits& data, const DataReport& report,
                                   const SheetOptions& options) {
  GABOR_CHECK(options.columns >= 2 && options.tile > 0);
  Sheet sheet(*data.dataset, options);
  const auto samples = samples_by_class(data);
  const size_t shown = std::min(size_t(options.max_classes), samples.size());
  for (size_t c = 0; c < shown; c++) add_class(sheet, report.classes[c], samples[c], options.columns);
  if (shown < samples.size()) sheet.heading(fmt::format("... and {} classes more", samples.size() - shown));
  add_pairs(sheet, "the same bytes", report.duplicates, options);
  add_pairs(sheet, "look alike", report.near_duplicates, options);
  return sheet.png();
}

}  // namespace gabor
