#include "data/doctor.h"

#include <algorithm>
#include <atomic>
#include <set>
#include <unordered_map>
#include <utility>

#include "core/error.h"
#include "core/parallel.h"
#include "data/doctor_judgement.h"
#include "data/fingerprint.h"
#include "data/near_duplicates.h"
#include "data/path_label.h"
#include "data/sketch.h"

namespace gabor {
namespace {

// What is found out about one sample, on any thread.
struct Finding {
  uint32_t sample = 0;
  int part = 0;  // index into kParts
  bool readable = false, blank = false, decoded = false;
  int width = 0, height = 0;
  uint64_t hash = 0;  // of the bytes
  Sketch sketch;
  std::string reason;
};

constexpr int64_t kProgressStep = 32;  // pictures
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

void read(const Dataset& dataset, bool decode, Image& image, Finding& f) {
  try {
    f.hash = hash_bytes(dataset.bytes(f.sample));
    if (decode) {
      dataset.load_into(f.sample, dataset.channels(), image);
      f.decoded = true;
      f.width = image.width, f.height = image.height;
      f.blank = is_blank(image);
      f.sketch = sketch_of(image);
    }
    f.readable = true;
  } catch (const Error& e) {
    f.reason = e.what();
  }
}

void read_all(const Dataset& dataset, const DoctorOptions& options, std::vector<Finding>& findings) {
  const auto total = int64_t(findings.size());
  std::atomic<int64_t> done = 0;
  parallel_ranges(
      total,
      [&](int64_t begin, int64_t end, int thread) {
        Image image;
        for (int64_t i = begin; i < end; i++) {
          read(dataset, options.decode, image, findings[size_t(i)]);
          done++;
          const bool is_caller = thread == 0;
          if (is_caller && i % kProgressStep == 0 && options.progress) options.progress(done, total);
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

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + std::ptrdiff_t(values.size() / 2), values.end());
  return values[values.size() / 2];
}

ResizeLoss resize_loss(const Dataset& dataset, ImageSize size, const std::vector<Finding>& findings) {
  ResizeLoss loss{.size = size};
  std::vector<double> stretches, kept;
  for (const Finding& f : findings) {
    if (!f.decoded) continue;
    const double wider = double(size.width) / size.height * f.height / f.width;
    const double stretch = std::max(wider, 1 / wider);
    stretches.push_back(stretch);
    kept.push_back(std::min(1.0, double(size.width) * size.height / (double(f.width) * f.height)));
    loss.stretched += stretch > ResizeLoss::kMuchStretch;
    loss.enlarged += f.width < size.width || f.height < size.height;
    if (stretch > loss.stretch_max) loss.stretch_max = stretch, loss.most_stretched = dataset.name(f.sample);
  }
  if (stretches.empty()) return loss;
  loss.stretch_median = median(std::move(stretches));
  loss.kept_median = median(std::move(kept));
  return loss;
}

void find_path_conflicts(const Dataset& dataset, const std::vector<Finding>& findings, DataReport& report) {
  for (const Finding& f : findings) {
    const std::string name = dataset.name(f.sample);
    const int label = dataset.label(f.sample), named = class_named_by(name, report.classes);
    if (named >= 0 && named != label) report.path_conflicts.push_back({name, label, named});
  }
}

DuplicatePair pair_of(const Dataset& d, const Finding& first, const Finding& second, int distance = 0) {
  return {.first = d.name(first.sample),
          .second = d.name(second.sample),
          .first_part = kParts[first.part],
          .second_part = kParts[second.part],
          .first_sample = first.sample,
          .second_sample = second.sample,
          .across_parts = first.part != second.part,
          .labels_differ = d.label(first.sample) != d.label(second.sample),
          .distance = distance};
}

int harm(const DuplicatePair& pair) { return int(pair.across_parts) + int(pair.labels_differ); }

void sort_by_harm(std::vector<DuplicatePair>& pairs) {
  std::stable_sort(pairs.begin(), pairs.end(),
                   [](const DuplicatePair& a, const DuplicatePair& b) { return harm(a) > harm(b); });
}

// Returns what is left: the findings, by index, that are readable and equal no earlier one.
std::vector<size_t> find_duplicates(const Dataset& dataset, const std::vector<Finding>& findings,
                                    std::vector<DuplicatePair>& pairs) {
  std::unordered_map<uint64_t, size_t> first_with;
  std::vector<size_t> firsts;
  for (size_t i = 0; i < findings.size(); i++) {
    if (!findings[i].readable) continue;
    const auto [at, is_new] = first_with.emplace(findings[i].hash, i);
    if (is_new)
      firsts.push_back(i);
    else
      pairs.push_back(pair_of(dataset, findings[at->second], findings[i]));
  }
  sort_by_harm(pairs);
  return firsts;
}

void find_near_duplicates(const Dataset& dataset, const std::vector<Finding>& findings,
                          const std::vector<size_t>& among, std::vector<DuplicatePair>& pairs) {
  std::vector<Sketch> sketches;
  for (size_t i : among) sketches.push_back(findings[i].sketch);
  const std::vector<NearPair> near = near_pairs(sketches);
  for (size_t i = 0; i < near.size(); i++) {
    DuplicatePair pair =
        pair_of(dataset, findings[among[near[i].first]], findings[among[near[i].second]], near[i].distance);
    const bool same_second = i > 0 && near[i].second == near[i - 1].second;
    if (!same_second)
      pairs.push_back(std::move(pair));
    else if (harm(pair) > harm(pairs.back()))
      pairs.back() = std::move(pair);
  }
  sort_by_harm(pairs);
}

}  // namespace

DataReport examine(const DataSplits& data, const DoctorOptions& options) {
  const Dataset& dataset = *data.dataset;
  DataReport report;
  report.classes = dataset.classes();
  report.split_note = data.split_note;
  std::vector<Finding> findings = list_samples(data);
  read_all(dataset, options, findings);
  count(data, findings, report);
  report.resize = resize_loss(dataset, options.size, findings);
  find_path_conflicts(dataset, findings, report);
  const std::vector<size_t> firsts = find_duplicates(dataset, findings, report.duplicates);
  find_near_duplicates(dataset, findings, firsts, report.near_duplicates);
  judge(options, report);
  return report;
}

std::vector<std::string> names_to_remove(const DataReport& report) {
  std::set<std::string> names;
  for (const UnreadableFile& file : report.unreadable) names.insert(file.name);
  for (const DuplicatePair& pair : report.duplicates) {
    const bool one_file = pair.first == pair.second;  // which a .csv lists twice
    if (!one_file || pair.labels_differ) names.insert(pair.second);
    if (pair.labels_differ) names.insert(pair.first);
  }
  return {names.begin(), names.end()};
}

}  // namespace gabor
