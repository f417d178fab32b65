// What each kind of source hands to open_data(): a data set, and which part each sample was put in.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/file_source.h"

namespace gabor {

enum class Part : uint8_t { unsplit, train, val, test };

struct Source {
  std::shared_ptr<const Dataset> dataset{};
  std::vector<Part> part{};          // one a sample
  std::vector<std::string> notes{};  // what was left out
  uint64_t fingerprint = 0;
};

Source open_source(const std::string& path);  // tells the kind and calls one of these:
Source open_class_folders(std::shared_ptr<const FileSource> files, const std::string& path);
Source open_csv(const std::string& path);
bool has_idx_files(const std::string& folder);
Source open_idx(const std::string& folder);
bool has_cifar_files(const std::string& folder);
Source open_cifar(const std::string& folder);

// A labelled file: index into files->entries, and class.
struct LabelledFile {
  uint32_t entry = 0;
  int32_t label = 0;
};
std::shared_ptr<const Dataset> make_file_dataset(std::shared_ptr<const FileSource> files,
                                                 std::vector<LabelledFile> samples,
                                                 std::vector<std::string> classes);

// Pictures of one size, in memory as they are stored: count x height x width x channels bytes.
struct RawPictures {
  std::string name;  // of the source file, for messages
  ImageSize size;
  int channels = 1;
  std::vector<uint8_t> pixels{};
  std::vector<uint8_t> labels{};
};
std::shared_ptr<const Dataset> make_raw_dataset(std::vector<RawPictures> blocks,
                                                std::vector<std::string> classes);

// a's samples, then b's; the classes are a's, b's are matched by name (Error{data} for one that a lacks).
std::shared_ptr<const Dataset> join_datasets(std::shared_ptr<const Dataset> a,
                                             std::shared_ptr<const Dataset> b, const std::string& b_path);

}  // namespace gabor
