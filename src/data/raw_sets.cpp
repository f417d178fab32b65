// MNIST's idx files (http://yann.lecun.com/exdb/mnist, "the IDX file format") and CIFAR-10's binary batches
// (https://www.cs.toronto.edu/~kriz/cifar.html, "binary version"). Both are small and are kept in memory as
// bytes.
#include <algorithm>
#include <array>
#include <filesystem>
#include <utility>

#include "core/error.h"
#include "core/text.h"
#include "data/file.h"
#include "data/fingerprint.h"
#include "data/source.h"

namespace gabor {
namespace {

namespace fs = std::filesystem;
constexpr uint64_t kMaxBytes = uint64_t{4} << 30;

// The file of an idx set ("train", "images", 3): dash or dot before idx, plain or .gz; "" if there is none.
std::string idx_path(const std::string& folder, const char* part, const char* what, int rank) {
  for (const char* dash : {"-", "."})
    for (const char* end : {"", ".gz"}) {
      const fs::path path =
          fs::path(folder) / fmt::format("{}-{}{}idx{}-ubyte{}", part, what, dash, rank, end);
      std::error_code error;
      if (fs::is_regular_file(path, error)) return path.string();
    }
  return "";
}

struct Idx {
  std::vector<uint32_t> dims;
  std::vector<uint8_t> values;
};

Idx read_idx(const std::string& path, size_t rank) {
  const std::string where = printable(path);
  std::vector<uint8_t> bytes = read_maybe_gzip(path, kMaxBytes);
  const size_t header = 4 + 4 * rank;
  constexpr uint8_t kUnsignedByte = 8;
  if (bytes.size() < header || bytes[0] != 0 || bytes[1] != 0 || bytes[2] != kUnsignedByte ||
      bytes[3] != rank)
    fail(ErrorCode::data, where, "is no idx file of bytes with {} dimensions; fetch it again", rank);
  Idx idx;
  uint64_t count = 1;
  for (size_t d = 0; d < rank; d++) {
    const uint8_t* at = &bytes[4 + 4 * d];
    idx.dims.push_back(uint32_t(at[0]) << 24 | uint32_t(at[1]) << 16 | uint32_t(at[2]) << 8 | at[3]);
    if (idx.dims[d] == 0 || count > kMaxBytes / idx.dims[d])
      fail(ErrorCode::data, where, "has an impossible dimension {}", idx.dims[d]);
    count *= idx.dims[d];
  }
  if (bytes.size() - header != count)
    fail(ErrorCode::data, where, "holds {} bytes of values, its header says {}; fetch it again",
         bytes.size() - header, count);
  idx.values.assign(bytes.begin() + std::ptrdiff_t(header), bytes.end());
  return idx;
}

RawPictures read_idx_part(const std::string& folder, const char* part) {
  const std::string images_path = idx_path(folder, part, "images", 3),
                    labels_path = idx_path(folder, part, "labels", 1);
  if (images_path.empty() || labels_path.empty())
    fail(ErrorCode::data, printable(folder), "lacks {}-{}-ubyte (or .gz)", part,
         images_path.empty() ? "images-idx3" : "labels-idx1");
  Idx images = read_idx(images_path, 3), labels = read_idx(labels_path, 1);
  if (images.dims[0] != labels.dims[0])
    fail(ErrorCode::data, printable(images_path), "has {} pictures but there are {} labels", images.dims[0],
         labels.dims[0]);
  if (images.dims[1] > 4096 || images.dims[2] > 4096)
    fail(ErrorCode::data, printable(images_path), "pictures of {}x{} are too large for an idx set",
         images.dims[1], images.dims[2]);
  return {.name = fmt::format("{}-images", part),
          .size = {int(images.dims[1]), int(images.dims[2])},
          .channels = 1,
          .pixels = std::move(images.values),
          .labels = std::move(labels.values)};
}

constexpr int kCifarSide = 32;
constexpr size_t kCifarPlane = kCifarSide * kCifarSide, kCifarRecord = 1 + 3 * kCifarPlane;

std::vector<std::string> cifar_batches(const std::string& folder, const char* beginning) {
  std::vector<std::string> paths;
  std::error_code error;
  for (fs::directory_iterator it(folder, error); !error && it != fs::directory_iterator();
       it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (name.starts_with(beginning) && name.ends_with(".bin")) paths.push_back(it->path().string());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

// Records of a label byte and the R, G and B planes, turned into HWC.
RawPictures read_cifar_batch(const std::string& path) {
  const std::vector<uint8_t> bytes = read_file(path, kMaxBytes);
  if (bytes.empty() || bytes.size() % kCifarRecord != 0)
    fail(ErrorCode::data, printable(path),
         "{} bytes are no whole number of CIFAR-10 records ({} bytes each); fetch it again", bytes.size(),
         kCifarRecord);
  const size_t count = bytes.size() / kCifarRecord;
  RawPictures out{.name = fs::path(path).stem().string(), .size = {kCifarSide, kCifarSide}, .channels = 3};
  out.pixels.resize(count * 3 * kCifarPlane);
  for (size_t i = 0; i < count; i++) {
    const uint8_t* record = &bytes[i * kCifarRecord];
    if (record[0] > 9)
      fail(ErrorCode::data, printable(path), "record {} has the label {}, expected 0..9", i, record[0]);
    out.labels.push_back(record[0]);
    uint8_t* pixel = &out.pixels[i * 3 * kCifarPlane];
    for (size_t p = 0; p < kCifarPlane; p++)
      for (size_t c = 0; c < 3; c++) *pixel++ = record[1 + c * kCifarPlane + p];
  }
  return out;
}

std::vector<std::string> cifar_classes(const std::string& folder) {
  std::vector<std::string> classes;
  const std::string path = (fs::path(folder) / "batches.meta.txt").string();
  std::error_code error;
  if (fs::is_regular_file(path, error)) {
    const std::vector<uint8_t> bytes = read_file(path, 1 << 20);
    for (std::string line : split(std::string(bytes.begin(), bytes.end()), '\n')) {
      if (line.ends_with('\r')) line.pop_back();
      if (!line.empty()) classes.push_back(std::move(line));
    }
    if (classes.size() != 10)
      fail(ErrorCode::data, printable(path), "names {} classes, expected 10", classes.size());
  } else {
    for (int c = 0; c < 10; c++) classes.push_back(std::to_string(c));
  }
  return classes;
}

Source assemble(std::vector<RawPictures> blocks, const std::vector<Part>& part_of_block,
                std::vector<std::string> classes) {
  Source source;
  Fingerprint print;
  for (const std::string& c : classes) print.add(c);
  for (size_t b = 0; b < blocks.size(); b++) {
    source.part.insert(source.part.end(), blocks[b].labels.size(), part_of_block[b]);
    print.add(blocks[b].labels.data(), blocks[b].labels.size());
    print.add(blocks[b].pixels.data(), blocks[b].pixels.size());
  }
  source.fingerprint = print.value();
  source.dataset = make_raw_dataset(std::move(blocks), std::move(classes));
  return source;
}

}  // namespace

bool has_idx_files(const std::string& folder) {
  return !idx_path(folder, "train", "images", 3).empty() || !idx_path(folder, "t10k", "images", 3).empty();
}

Source open_idx(const std::string& folder) {
  std::vector<RawPictures> blocks;
  std::vector<Part> parts;
  const bool has_train = !idx_path(folder, "train", "images", 3).empty();
  const bool has_test = !idx_path(folder, "t10k", "images", 3).empty();
  if (has_train)
    blocks.push_back(read_idx_part(folder, "train")), parts.push_back(has_test ? Part::train : Part::unsplit);
  if (has_test)
    blocks.push_back(read_idx_part(folder, "t10k")), parts.push_back(has_train ? Part::test : Part::unsplit);
  int count = 0;
  for (const RawPictures& b : blocks) {
    if (b.size != blocks[0].size)
      fail(ErrorCode::data, printable(folder), "train and t10k pictures differ in size");
    count = std::max(count, 1 + *std::max_element(b.labels.begin(), b.labels.end()));
  }
  std::vector<std::string> classes;
  for (int c = 0; c < count; c++) classes.push_back(std::to_string(c));
  return assemble(std::move(blocks), parts, std::move(classes));
}

bool has_cifar_files(const std::string& folder) {
  return !cifar_batches(folder, "data_batch_").empty() || !cifar_batches(folder, "test_batch").empty();
}

Source open_cifar(const std::string& folder) {
  const std::vector<std::string> train = cifar_batches(folder, "data_batch_"),
                                 test = cifar_batches(folder, "test_batch");
  const bool both = !train.empty() && !test.empty();
  std::vector<RawPictures> blocks;
  std::vector<Part> parts;
  for (const std::string& path : train)
    blocks.push_back(read_cifar_batch(path)), parts.push_back(both ? Part::train : Part::unsplit);
  for (const std::string& path : test)
    blocks.push_back(read_cifar_batch(path)), parts.push_back(both ? Part::test : Part::unsplit);
  return assemble(std::move(blocks), parts, cifar_classes(folder));
}

}  // namespace gabor
