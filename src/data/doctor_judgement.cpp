#include "data/doctor_judgement.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/text.h"

namespace gabor {
namespace {

constexpr double kMaxStretched = 0.1;  // share of much stretched pictures that is worth a warning

int classes_present(const PartReport& part) {
  return int(std::count_if(part.per_class.begin(), part.per_class.end(), [](int64_t n) { return n > 0; }));
}

void judge_classes(const DoctorOptions& options, DataReport& report) {
  const PartReport& train = report.parts[0];
  if (classes_present(train) < 2)
    report.errors.push_back("train has pictures of one class only; two at least are needed");
  for (size_t p = 1; p < report.parts.size(); p++) {
    const PartReport& part = report.parts[p];
    if (part.total == 0) continue;
    if (classes_present(part) < 2)
      report.errors.push_back(
          fmt::format("{} has pictures of one class only, so its accuracy would mean nothing", part.name));
    for (size_t c = 0; c < report.classes.size(); c++)
      if (part.per_class[c] == 0 && train.per_class[c] > 0)
        report.warnings.push_back(
            fmt::format("{} has no picture of the class '{}'", part.name, printable(report.classes[c])));
  }
  if (report.parts[1].total == 0)
    report.warnings.push_back(
        "there is no validation set: nothing will tell learning from learning by heart");
  const auto [smallest, largest] = std::minmax_element(train.per_class.begin(), train.per_class.end());
  if (*smallest > 0) report.imbalance = double(*largest) / double(*smallest);
  if (report.imbalance > options.max_imbalance)
    report.warnings.push_back(fmt::format(
        "classes are uneven: '{}' has {} pictures, '{}' has {}; always answering the first would look good",
        printable(report.classes[size_t(largest - train.per_class.begin())]), *largest,
        printable(report.classes[size_t(smallest - train.per_class.begin())]), *smallest));
  if (*smallest < options.min_per_class)
    report.warnings.push_back(
        fmt::format("'{}' has {} training pictures only; {} or more are advised",
                    printable(report.classes[size_t(smallest - train.per_class.begin())]), *smallest,
                    options.min_per_class));
}

void judge_files(const DoctorOptions& options, DataReport& report) {
  int64_t samples = 0;
  for (const PartReport& part : report.parts) samples += part.total;
  if (!report.unreadable.empty()) {
    const bool too_many =
        report.unreadable.size() > 3 && double(report.unreadable.size()) > options.max_bad * double(samples);
    auto& list = too_many ? report.errors : report.warnings;
    list.push_back(fmt::format("{} of {} files cannot be read, the first: {}", report.unreadable.size(),
                               samples, report.unreadable[0].reason));
  }
  if (report.blank > 0)
    report.warnings.push_back(fmt::format("{} pictures are of one colour throughout", report.blank));
  if (report.decoded > 1 && report.blank == report.decoded)
    report.errors.push_back("every picture is blank; there is nothing to learn");
  const int side = std::min(report.width.min, report.height.min);
  if (report.decoded > 0 && side < 8)
    report.warnings.push_back(fmt::format("the smallest picture has a side of {} pixels", side));
  if (!report.path_conflicts.empty()) {
    const PathConflict& first = report.path_conflicts[0];
    report.warnings.push_back(fmt::format(
        "{} paths name another class than the label, e.g. '{}' is labelled '{}'",
        report.path_conflicts.size(), printable(first.name), printable(report.classes[size_t(first.label)])));
  }
}

// verb: what the pictures of these pairs do, "are" or "seem to be".
void judge_pairs(const std::vector<DuplicatePair>& pairs, const char* verb, DataReport& report) {
  const auto warn = [&](bool DuplicatePair::*what, const char* where) {
    const auto is_so = [&](const DuplicatePair& pair) { return pair.*what; };
    const auto first = std::find_if(pairs.begin(), pairs.end(), is_so);
    if (first == pairs.end()) return;
    report.warnings.push_back(fmt::format("{} pictures {} in two {}, e.g. '{}' = '{}'",
                                          std::count_if(first, pairs.end(), is_so), verb, where,
                                          printable(first->first), printable(first->second)));
  };
  warn(&DuplicatePair::across_parts, "parts of the split, which flatters the accuracy");
  warn(&DuplicatePair::labels_differ, "classes at once");
}

void judge_resize(DataReport& report) {
  const ResizeLoss& r = report.resize;
  if (r.stretched <= kMaxStretched * double(report.decoded)) return;
  report.warnings.push_back(
      fmt::format("{} of {} pictures are stretched by more than {} when resized to {}x{}, '{}' by {:.1f}; "
                  "another --size may fit "
                  "them better",
                  r.stretched, report.decoded, ResizeLoss::kMuchStretch, r.size.height, r.size.width,
                  printable(r.most_stretched), r.stretch_max));
}

}  // namespace

void judge(const DoctorOptions& options, DataReport& report) {
  judge_classes(options, report);
  judge_files(options, report);
  judge_pairs(report.duplicates, "are", report);
  judge_pairs(report.near_duplicates, "seem to be", report);
  judge_resize(report);
}

}  // namespace gabor
