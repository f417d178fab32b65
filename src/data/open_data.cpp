#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>

#include "core/error.h"
#include "core/text.h"
#include "data/dataset.h"
#include "data/fingerprint.h"
#include "data/source.h"
#include "data/split.h"

namespace gabor {
namespace {

namespace fs = std::filesystem;

int distinct_labels(const Dataset& dataset, const std::vector<uint32_t>& samples) {
  std::set<int> labels;
  for (uint32_t i : samples) labels.insert(dataset.label(i));
  return int(labels.size());
}

// What would train or validate nonsense is refused here, so that no caller can forget to look.
void check(const DataSplits& data, const std::string& path) {
  const std::string where = printable(path);
  const auto& classes = data.dataset->classes();
  if (classes.size() < 2 || distinct_labels(*data.dataset, data.train) < 2)
    fail(ErrorCode::data, where,
         "has one class only ('{}'); a classifier needs pictures of two classes at least",
         printable(classes.empty()
                       ? ""
                       : classes[size_t(data.train.empty() ? 0 : data.dataset->label(data.train[0]))]));
  if (data.val.empty()) return;
  if (distinct_labels(*data.dataset, data.val) < 2)
    fail(ErrorCode::data, where,
         "the validation set has {} and one class only ('{}'), so its accuracy would mean nothing; {}",
         data.val.size() == 1 ? "1 picture" : fmt::format("{} pictures", data.val.size()),
         printable(classes[size_t(data.dataset->label(data.val[0]))]),
         "use more pictures, a larger --val-split, or another --val");
}

std::vector<uint32_t> samples_of(const Source& source, std::initializer_list<Part> wanted) {
  std::vector<uint32_t> out;
  for (size_t i = 0; i < source.part.size(); i++)
    if (std::find(wanted.begin(), wanted.end(), source.part[i]) != wanted.end()) out.push_back(uint32_t(i));
  return out;
}

void split_train(DataSplits& data, const SplitOptions& options) {
  std::vector<int> labels;
  for (uint32_t i : data.train) labels.push_back(data.dataset->label(i));
  if (options.val_split > 0 && data.train.size() < 2)
    fail(ErrorCode::data, printable(data.dataset->name(data.train.at(0))),
         "is the only picture; two at least are needed");
  TrainVal parts = stratified_split(data.train, labels, int(data.dataset->classes().size()),
                                    options.val_split, options.seed, options.keras_split);
  data.train = std::move(parts.train);
  data.val = std::move(parts.val);
}

uint64_t fingerprint(uint64_t source, const DataSplits& data) {
  Fingerprint print;
  print.add(source);
  for (const auto* part : {&data.train, &data.val, &data.test}) {
    print.add(part->size());
    print.add(part->data(), part->size() * sizeof(uint32_t));
  }
  return print.value();
}

}  // namespace

Source open_source(const std::string& path) {
  const std::string where = printable(path);
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) fail(ErrorCode::data, where, "no such file or folder");
  if (fs::is_directory(status)) {
    if (has_idx_files(path)) return open_idx(path);
    if (has_cifar_files(path)) return open_cifar(path);
    return open_class_folders(open_folder(path), path);
  }
  if (fs::is_regular_file(status)) {
    if (looks_like_tar(path)) return open_class_folders(open_tar(path), path);
    std::string extension = fs::path(path).extension().string();
    for (char& c : extension) c = char(std::tolower(static_cast<unsigned char>(c)));
    if (extension == ".csv") return open_csv(path);
  }
  fail(ErrorCode::data, where,
       "is no data set; expected a folder of class folders, a .tar of one, a folder of MNIST idx or CIFAR-10 "
       ".bin files, or a .csv");
}

DataSplits open_data(const std::string& path, const SplitOptions& options) {
  validation_count(0, options.val_split, false);  // the range check, before minutes are spent on listing
  Source source = open_source(path);
  DataSplits data{.dataset = source.dataset};
  data.test = samples_of(source, {Part::test});
  data.train = samples_of(source, {Part::train, Part::unsplit});
  data.val = samples_of(source, {Part::val});
  std::vector<std::string> notes;
  if (!options.val_path.empty()) {
    if (!data.val.empty())
      notes.push_back(fmt::format("{} pictures of the val folder are not used", data.val.size()));
    Source val = open_source(options.val_path);
    const auto first = uint32_t(data.dataset->size());
    data.dataset = join_datasets(data.dataset, val.dataset, options.val_path);
    data.val.clear();
    for (uint32_t i = first; i < data.dataset->size(); i++) data.val.push_back(i);
    source.fingerprint ^= val.fingerprint * 31;
    notes.insert(notes.begin(), "validation pictures from " + printable(options.val_path));
    source.notes.insert(source.notes.end(), val.notes.begin(), val.notes.end());
  } else if (!data.val.empty()) {
    notes.push_back("validation pictures as the data set has them");
  } else if (options.val_split > 0) {
    split_train(data, options);
    notes.push_back(fmt::format("stratified split, seed {}", options.seed));
  } else {
    notes.push_back("no validation set");
  }
  notes.insert(notes.end(), source.notes.begin(), source.notes.end());
  data.split_note = join(notes, "; ");
  check(data, options.val_path.empty() ? path : options.val_path);
  data.fingerprint = fingerprint(source.fingerprint, data);
  return data;
}

}  // namespace gabor
