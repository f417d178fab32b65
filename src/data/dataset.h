// Data sets: labelled pictures, read-only. open_data() is the way in; it tells the kind of source by looking.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/image.h"

namespace gabor {

// What a cache of decoded pictures is valid for: changes when a file is changed, added, removed or renamed.
struct DatasetStamp {
  uint64_t fingerprint = 0;  // of names, sizes and modification times of all files, in the order of samples
  uint64_t bytes = 0;        // of the files: what decoding has to read
};

// All members are const and safe to call from many threads at once.
class Dataset {
 public:
  virtual ~Dataset() = default;
  virtual size_t size() const = 0;
  virtual int label(size_t i) const = 0;         // index into classes()
  virtual std::string name(size_t i) const = 0;  // for people: "train/cat/1.jpg", "train-images #17"
  const std::vector<std::string>& classes() const { return classes_; }
  virtual int channels() const = 0;  // of the pictures as they are: 1 for MNIST, else 3
  virtual std::optional<ImageSize> native_size() const = 0;  // where all are known to be equal: 28x28, 32x32

  // Picture i with 1 or 3 channels, at its own size. image is overwritten, its memory used again. Throws
  // Error{data} naming the file when it cannot be read or decoded.
  virtual void load_into(size_t i, int channels, Image& image) const = 0;
  // The same, where a smaller picture will do, of at least that size: see decode().
  virtual void load_at_least(size_t i, int channels, const std::optional<ImageSize>& size,
                             Image& image) const {
    (void)size;
    load_into(i, channels, image);
  }
  Image load(size_t i, int channels) const {
    Image image;
    load_into(i, channels, image);
    return image;
  }
  // The stored bytes of picture i (the file, or its raw pixels): to find duplicates.
  virtual std::vector<uint8_t> bytes(size_t i) const = 0;
  // As the files are now; nullopt where pictures are in memory already, so that a cache would gain nothing.
  virtual std::optional<DatasetStamp> stamp() const { return std::nullopt; }

 protected:
  std::vector<std::string> classes_;
};

struct SplitOptions {
  double val_split = 0.3;  // share of the pictures that validate, 0 <= val_split < 1; 0 = none
  uint64_t seed = 1;       // of the split
  std::string val_path{};  // "" = split; else any source whose pictures all validate, matched by class name
  bool keras_split =
      false;  // size the split as Keras does: floor(N * (1.0 - s)) train (ARTICLE B11), for comparison
};

// train, val and test index into dataset; each is sorted. val is empty only when val_split = 0.
struct DataSplits {
  std::shared_ptr<const Dataset> dataset{};
  std::vector<uint32_t> train{}, val{}, test{};
  std::string split_note{};  // one line: how the split came about, what was left out
  uint64_t fingerprint =
      0;  // of names, sizes, labels (raw sets: of every byte) and of the split; no times, no paths
};

// path may be
//   a folder of class folders, also below train/, val/ (valid, validation) and test/; classes are sorted
//   bytewise a .tar of such, read in place a folder of MNIST or Fashion-MNIST idx files, plain or .gz (t10k =
//   test) a folder of CIFAR-10 binary batches (test_batch.bin = test) a .csv of path,label (header line and
//   quotes optional; paths relative to the file)
// One more folder around all of it does not matter. Without a val part, the split is stratified and drawn by
// seed. Throws Error{data} with one line, what and what to do: nothing there, one class only, a class in val
// or test that train lacks, a validation set of one class. Error{usage} for val_split out of range.
DataSplits open_data(const std::string& path, const SplitOptions& options);

}  // namespace gabor
