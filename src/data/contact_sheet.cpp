#include "data/contact_sheet.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>

#include "core/error.h"
#include "data/sheet.h"

namespace gabor {
namespace {

constexpr Sheet::Colour kRed{220, 40, 40}, kOrange{255, 150, 0}, kQuiet{220, 220, 220};

void paste(Sheet& sheet, int x, int y, const Dataset& dataset, uint32_t sample) {
  std::optional<Image> image;
  try {
    image = dataset.load(sample, 3);
  } catch (const Error&) {  // the report names it; here the tile stays gray
  }
  sheet.paste(x, y, image ? &*image : nullptr);
}

std::vector<std::vector<uint32_t>> samples_by_class(const DataSplits& data) {
  std::vector<std::vector<uint32_t>> samples(data.dataset->classes().size());
  for (const std::vector<uint32_t>* part : {&data.train, &data.val, &data.test})
    for (uint32_t i : *part) samples[size_t(data.dataset->label(i))].push_back(i);
  return samples;
}

void add_class(Sheet& sheet, const Dataset& dataset, const std::string& name,
               const std::vector<uint32_t>& samples, int columns) {
  sheet.heading(fmt::format("{}: {} pictures", name, samples.size()));
  if (samples.empty()) return;
  sheet.strip(sheet.tile() + Sheet::kGap);
  const size_t shown = std::min(size_t(columns), samples.size());
  for (size_t k = 0; k < shown; k++)
    paste(sheet, sheet.x_of(int(k)), 0, dataset, samples[k * samples.size() / shown]);
}

void add_pairs(Sheet& sheet, const Dataset& dataset, const std::string& title,
               const std::vector<DuplicatePair>& pairs, const SheetOptions& options) {
  if (pairs.empty()) return;
  const size_t shown = std::min(size_t(options.max_pairs), pairs.size());
  sheet.heading(fmt::format("{}: {}, {} shown", title, pairs.size(), shown));
  const int per_strip = std::max(1, options.columns / 2);
  constexpr int kLine = Sheet::kLine, kGap = Sheet::kGap;
  for (size_t k = 0; k < shown; k++) {
    const DuplicatePair& pair = pairs[k];
    const int column = int(k) % per_strip * 2;
    if (column == 0) sheet.strip(sheet.tile() + 2 * kLine + 2 * kGap);
    const int x = sheet.x_of(column), width = 2 * sheet.tile() + kGap;
    paste(sheet, x, 0, dataset, pair.first_sample);
    paste(sheet, sheet.x_of(column + 1), 0, dataset, pair.second_sample);
    sheet.bar(x, sheet.tile(), width, pair.labels_differ ? kRed : pair.across_parts ? kOrange : kQuiet);
    sheet.write(x, sheet.tile() + kGap + kLine - 4, pair.first, width);
    sheet.write(x, sheet.tile() + kGap + 2 * kLine - 4, pair.second, width);
  }
}

}  // namespace

std::vector<uint8_t> contact_sheet(const DataSplits& data, const DataReport& report,
                                   const SheetOptions& options) {
  GABOR_CHECK(options.columns >= 2 && options.tile > 0);
  const Dataset& dataset = *data.dataset;
  Sheet sheet(options.columns, options.tile);
  const auto samples = samples_by_class(data);
  const size_t shown = std::min(size_t(options.max_classes), samples.size());
  for (size_t c = 0; c < shown; c++)
    add_class(sheet, dataset, report.classes[c], samples[c], options.columns);
  if (shown < samples.size()) sheet.heading(fmt::format("... and {} classes more", samples.size() - shown));
  add_pairs(sheet, dataset, "the same bytes", report.duplicates, options);
  add_pairs(sheet, dataset, "look alike", report.near_duplicates, options);
  return sheet.png();
}

}  // namespace gabor
