#include "data/doctor.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>
#include <utility>

#include "core/error.h"
#include "core/parallel.h"
#include "core/text.h"
#include "data/fingerprint.h"

namespace gabor {
namespace {

// What is found out about one sample, on any thread.
struct Finding {
  uint32_t sample = 0;
  int part = 0;  // index into kParts
  bool readable = false, blank = false, decoded = false;
  int width = 0, height = 0;
  uint64_t hash = 0;
  std::string reason;
};

constexpr const char* kParts[] = {"train", "val", "test"};

std::vector<Finding> list_samples(const DataSplits& data) {
  std::vector<Finding> findings;
  const std::vector<uint32_t>* lists[] = {&data.train, &data.val, &data.test};
  for (int part = 0; part < 3; part++)
    for (uint32_t sample : *lists[part]) {
      findings.emplace_back();
      findings.back().sample = sample, findings.back().part = part;
    }
  return findings;
}

bool is_blank(const Image& image) {
  const size_t channels = size_t(image.channels);
  return std::equal(image.pixels.begin() + std::ptrdiff_t(channels), image.pixels.end(),
                    image.pixels.begin());
}

void read_all(const Dataset& dataset, bool decode, std::vector<Finding>& findings) {
  parallel_ranges(
      int64_t(findings.size()),
      [&](int64_t begin, int64_t end, int) {
        Image image;
        for (int64_t i = begin; i < end; i++) {
          Finding& f = findings[size_t(i)];
          try {
            f.hash = hash_bytes(dataset.bytes(f.sample));
            if (decode) {
              dataset.load_into(f.sample, dataset.channels(), image);
              f.decoded = true;
              f.width = image.width, f.height = image.height;
              f.blank = is_blank(image);
            }
            f.readable = true;
          } catch (const Error& e) {
            f.reason = e.what();
          }
        }
      },
      max_threads());
}

Extent extent_of(std::vector<int> values) {
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  return {values.front(), values[values.size() / 2], values.back()};
}

void count(const DataSplits& data, const std::vector<Finding>& findings, DataReport& report) {
  for (const char* name : kParts)
    report.parts.push_back({name, 0, std::vector<int64_t>(report.classes.size())});
  std::vector<int> widths, heights;
  for (const Finding& f : findings) {
    PartReport& part = report.parts[size_t(f.part)];
    part.total++;
    part.per_class[size_t(data.dataset->label(f.sample))]++;
    if (!f.readable) report.unreadable.push_back({data.dataset->name(f.sample), f.reason});
    if (!f.decoded) continue;
    report.decoded++;
    report.blank += f.blank;
    widths.push_back(f.width), heights.push_back(f.height);
  }
  report.width = extent_of(std::move(widths));
  report.height = extent_of(std::move(heights));
}

void find_duplicates(const DataSplits& data, const std::vector<Finding>& findings, DataReport& report) {
  std::unordered_map<uint64_t, const Finding*> first_with;
  for (const Finding& f : findings) {
    if (!f.readable) continue;
    const auto [at, is_new] = first_with.emplace(f.hash, &f);
    if (is_new) continue;
    const Finding& first = *at->second;
    const Dataset& d = *data.dataset;
    report.duplicates.push_back({d.name(first.sample), d.name(f.sample), kParts[first.part], kParts[f.part],
                                 first.part != f.part, d.label(first.sample) != d.label(f.sample)});
  }
  std::stable_sort(
      report.duplicates.begin(), report.duplicates.end(), [](const DuplicatePair& a, const DuplicatePair& b) {
        return int(a.across_parts) + int(a.labels_differ) > int(b.across_parts) + int(b.labels_differ);
      });
}

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

void judge_files(const DoctorOptions& options, size_t samples, DataReport& report) {
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
  const auto count_if = [&](bool DuplicatePair::*what) {
    return std::count_if(report.duplicates.begin(), report.duplicates.end(),
                         [&](const DuplicatePair& d) { return d.*what; });
  };
  const auto example = [&](bool DuplicatePair::*what) {
    const auto at = std::find_if(report.duplicates.begin(), report.duplicates.end(),
                                 [&](const DuplicatePair& d) { return d.*what; });
    return fmt::format("'{}' = '{}'", printable(at->first), printable(at->second));
  };
  if (const auto n = count_if(&DuplicatePair::across_parts))
    report.warnings.push_back(
        fmt::format("{} pictures are in two parts of the split, which flatters the accuracy, e.g. {}", n,
                    example(&DuplicatePair::across_parts)));
  if (const auto n = count_if(&DuplicatePair::labels_differ))
    report.warnings.push_back(fmt::format("{} pictures are in two classes at once, e.g. {}", n,
                                          example(&DuplicatePair::labels_differ)));
  const int side = std::min(report.width.min, report.height.min);
  if (report.decoded > 0 && side < 8)
    report.warnings.push_back(fmt::format("the smallest picture has a side of {} pixels", side));
}

}  // namespace

DataReport examine(const DataSplits& data, const DoctorOptions& options) {
  DataReport report;
  report.classes = data.dataset->classes();
  report.split_note = data.split_note;
  std::vector<Finding> findings = list_samples(data);
  read_all(*data.dataset, options.decode, findings);
  count(data, findings, report);
  find_duplicates(data, findings, report);
  judge_classes(options, report);
  judge_files(options, findings.size(), report);
  return report;
}

}  // namespace gabor
