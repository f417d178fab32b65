#include <algorithm>
#include <utility>

#include "core/error.h"
#include "core/text.h"
#include "data/decode.h"
#include "data/fingerprint.h"
#include "data/pixels.h"
#include "data/source.h"

namespace gabor {
namespace {

class FileDataset final : public Dataset {
 public:
  FileDataset(std::shared_ptr<const FileSource> files, std::vector<LabelledFile> samples,
              std::vector<std::string> classes)
      : files_(std::move(files)), samples_(std::move(samples)) {
    classes_ = std::move(classes);
  }
  size_t size() const override { return samples_.size(); }
  int label(size_t i) const override { return samples_.at(i).label; }
  std::string name(size_t i) const override { return entry(i).name; }
  int channels() const override { return 3; }
  std::optional<ImageSize> native_size() const override { return std::nullopt; }
  void load_into(size_t i, int channels, Image& image) const override {
    load_at_least(i, channels, std::nullopt, image);
  }
  void load_at_least(size_t i, int channels, const std::optional<ImageSize>& size,
                     Image& image) const override {
    const std::vector<uint8_t> file = bytes(i);
    decode(file, files_->where(entry(i)), channels, limits_, image, size);
  }
  std::vector<uint8_t> bytes(size_t i) const override {
    return files_->read(entry(i), uint64_t(limits_.max_file_bytes));
  }
  std::optional<DatasetStamp> stamp() const override {
    Fingerprint print;
    uint64_t bytes = 0;
    for (size_t i = 0; i < samples_.size(); i++) {
      const FileStamp file = files_->stamp(entry(i));
      print.add(entry(i).name);
      print.add(entry(i).offset);
      print.add(file.bytes);
      print.add(uint64_t(file.modified_ns));
      bytes += file.bytes;
    }
    return DatasetStamp{print.value(), bytes};
  }

 private:
  const FileEntry& entry(size_t i) const { return files_->entries[samples_.at(i).entry]; }
  std::shared_ptr<const FileSource> files_;
  std::vector<LabelledFile> samples_;
  DecodeLimits limits_;
};

class RawDataset final : public Dataset {
 public:
  RawDataset(std::vector<RawPictures> blocks, std::vector<std::string> classes) : blocks_(std::move(blocks)) {
    classes_ = std::move(classes);
    for (const RawPictures& block : blocks_) size_ += block.labels.size();
  }
  size_t size() const override { return size_; }
  int label(size_t i) const override {
    const auto [block, row] = find(i);
    return block.labels[row];
  }
  std::string name(size_t i) const override {
    const auto [block, row] = find(i);
    return fmt::format("{} #{}", block.name, row);
  }
  int channels() const override { return blocks_[0].channels; }
  std::optional<ImageSize> native_size() const override { return blocks_[0].size; }
  void load_into(size_t i, int channels, Image& image) const override {
    const auto [block, row] = find(i);
    image.reshape(block.size.height, block.size.width, block.channels);
    std::copy_n(block.pixels.begin() + std::ptrdiff_t(row * image.pixels.size()), image.pixels.size(),
                image.pixels.begin());
    set_channels(image, channels);
  }
  std::vector<uint8_t> bytes(size_t i) const override { return load(i, channels()).pixels; }

 private:
  struct Place {
    const RawPictures& block;
    size_t row;
  };
  Place find(size_t i) const {
    for (const RawPictures& block : blocks_) {
      if (i < block.labels.size()) return {block, i};
      i -= block.labels.size();
    }
    check_failed("sample within the data set", __FILE__, __LINE__);
  }
  std::vector<RawPictures> blocks_;
  size_t size_ = 0;
};

class JoinedDataset final : public Dataset {
 public:
  JoinedDataset(std::shared_ptr<const Dataset> a, std::shared_ptr<const Dataset> b, std::vector<int> b_label)
      : a_(std::move(a)), b_(std::move(b)), b_label_(std::move(b_label)) {
    classes_ = a_->classes();
  }
  size_t size() const override { return a_->size() + b_->size(); }
  int label(size_t i) const override {
    return i < a_->size() ? a_->label(i) : b_label_[size_t(b_->label(i - a_->size()))];
  }
  std::string name(size_t i) const override {
    return i < a_->size() ? a_->name(i) : b_->name(i - a_->size());
  }
  int channels() const override { return std::max(a_->channels(), b_->channels()); }
  std::optional<ImageSize> native_size() const override {
    const auto size = a_->native_size();
    return size == b_->native_size() ? size : std::nullopt;
  }
  void load_at_least(size_t i, int channels, const std::optional<ImageSize>& size,
                     Image& image) const override {
    i < a_->size() ? a_->load_at_least(i, channels, size, image)
                   : b_->load_at_least(i - a_->size(), channels, size, image);
  }
  void load_into(size_t i, int channels, Image& image) const override {
    i < a_->size() ? a_->load_into(i, channels, image) : b_->load_into(i - a_->size(), channels, image);
  }
  std::vector<uint8_t> bytes(size_t i) const override {
    return i < a_->size() ? a_->bytes(i) : b_->bytes(i - a_->size());
  }
  std::optional<DatasetStamp> stamp() const override {
    const auto a = a_->stamp(), b = b_->stamp();
    if (!a || !b) return std::nullopt;
    Fingerprint print;
    print.add(a->fingerprint);
    print.add(b->fingerprint);
    return DatasetStamp{print.value(), a->bytes + b->bytes};
  }

 private:
  std::shared_ptr<const Dataset> a_, b_;
  std::vector<int> b_label_;
};

}  // namespace

std::shared_ptr<const Dataset> make_file_dataset(std::shared_ptr<const FileSource> files,
                                                 std::vector<LabelledFile> samples,
                                                 std::vector<std::string> classes) {
  return std::make_shared<FileDataset>(std::move(files), std::move(samples), std::move(classes));
}

std::shared_ptr<const Dataset> make_raw_dataset(std::vector<RawPictures> blocks,
                                                std::vector<std::string> classes) {
  GABOR_CHECK(!blocks.empty());
  for (const RawPictures& b : blocks) {
    GABOR_CHECK(b.size == blocks[0].size && b.channels == blocks[0].channels);
    GABOR_CHECK(b.pixels.size() ==
                b.labels.size() * size_t(b.size.height) * size_t(b.size.width) * size_t(b.channels));
  }
  return std::make_shared<RawDataset>(std::move(blocks), std::move(classes));
}

std::shared_ptr<const Dataset> join_datasets(std::shared_ptr<const Dataset> a,
                                             std::shared_ptr<const Dataset> b, const std::string& b_path) {
  std::vector<int> label;
  for (const std::string& name : b->classes()) {
    const auto& known = a->classes();
    const auto at = std::find(known.begin(), known.end(), name);
    if (at == known.end())
      fail(ErrorCode::data, printable(b_path), "has the class '{}', which the training set lacks{}",
           printable(name), suggestion(name, known));
    label.push_back(int(at - known.begin()));
  }
  return std::make_shared<JoinedDataset>(std::move(a), std::move(b), std::move(label));
}

}  // namespace gabor
