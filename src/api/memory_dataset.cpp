#include "api/memory_dataset.h"

#include <cstring>
#include <numeric>

#include "core/error.h"
#include "data/fingerprint.h"
#include "data/pixels.h"
#include "data/split.h"

namespace gabor {
namespace {

class MemoryDataset final : public Dataset {
 public:
  explicit MemoryDataset(const PictureSet& set) : set_(set) { classes_ = set.classes; }
  size_t size() const override { return set_.labels.size(); }
  int label(size_t i) const override { return set_.labels[i]; }
  std::string name(size_t i) const override { return fmt::format("picture #{}", i); }
  int channels() const override { return set_.channels; }
  std::optional<ImageSize> native_size() const override { return ImageSize{set_.height, set_.width}; }
  std::vector<uint8_t> bytes(size_t i) const override {
    const uint8_t* p = set_.pixels.data() + i * picture_bytes();
    return {p, p + picture_bytes()};
  }
  void load_into(size_t i, int channels, Image& image) const override {
    image.reshape(set_.height, set_.width, set_.channels);
    std::memcpy(image.pixels.data(), set_.pixels.data() + i * picture_bytes(), picture_bytes());
    set_channels(image, channels);
  }

 private:
  size_t picture_bytes() const { return size_t(set_.height) * size_t(set_.width) * size_t(set_.channels); }
  PictureSet set_;
};

void check(const PictureSet& s) {
  const char* where = "PictureSet";
  if (s.height < 1 || s.width < 1 || (s.channels != 1 && s.channels != 3))
    fail(ErrorCode::data, where, "{}x{}x{} is no picture size; channels must be 1 or 3", s.height, s.width,
         s.channels);
  if (s.classes.size() < 2)
    fail(ErrorCode::data, where, "{} classes; a classifier needs at least 2", s.classes.size());
  const size_t picture = size_t(s.height) * size_t(s.width) * size_t(s.channels);
  if (s.labels.empty() || s.pixels.size() != s.labels.size() * picture)
    fail(ErrorCode::data, where, "{} bytes of pixels do not fit {} labels of {} bytes a picture",
         s.pixels.size(), s.labels.size(), picture);
  for (size_t i = 0; i < s.labels.size(); i++)
    if (s.labels[i] < 0 || s.labels[i] >= int(s.classes.size()))
      fail(ErrorCode::data, where, "label {} of picture {} is not a class (0 to {})", s.labels[i], i,
           s.classes.size() - 1);
}

}  // namespace

DataSplits split_in_memory(const PictureSet& pictures, double val_split, uint64_t seed) {
  check(pictures);
  if (!(val_split >= 0 && val_split < 1))
    fail(ErrorCode::usage, "val_split", "{} is not a share; must be 0 or more and below 1", val_split);
  std::vector<uint32_t> all(pictures.labels.size());
  std::iota(all.begin(), all.end(), 0u);
  TrainVal parts =
      stratified_split(all, pictures.labels, int(pictures.classes.size()), val_split, seed, false);
  Fingerprint print;
  print.add(pictures.pixels.data(), pictures.pixels.size());
  print.add(pictures.labels.data(), pictures.labels.size() * sizeof(int));
  print.add(seed);
  DataSplits d;
  d.dataset = std::make_shared<MemoryDataset>(pictures);
  d.train = std::move(parts.train), d.val = std::move(parts.val);
  d.split_note = fmt::format("{} pictures in memory, {} of them validate", all.size(), d.val.size());
  d.fingerprint = print.value();
  return d;
}

}  // namespace gabor
