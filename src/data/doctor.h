// A look at a data set before it is trained on: what is in it, and what in it would train or validate
// nonsense.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace gabor {

struct DoctorOptions {
  bool decode = true;  // read every picture: finds damage, sizes, blanks; false = counts and duplicates only
  double max_bad = 0.01;  // more than this share unreadable (and more than 3) is an error, as in the loader
  double max_imbalance = 5.0;  // a class this many times as large as another is worth a warning
  int min_per_class = 20;      // fewer training pictures than this of a class is worth a warning
};

struct PartReport {
  std::string name;  // "train", "val", "test"
  int64_t total = 0;
  std::vector<int64_t> per_class;  // by label
};

struct Extent {
  int min = 0, median = 0, max = 0;  // pixels; all 0 when nothing was decoded
};

struct UnreadableFile {
  std::string name, reason;
};

struct DuplicatePair {
  std::string first, second;            // byte-equal files
  std::string first_part, second_part;  // "train", "val", "test"
  bool across_parts = false;   // the same picture trains and validates: accuracy looks better than it is
  bool labels_differ = false;  // the same picture under two classes
};

struct DataReport {
  std::vector<std::string> classes;
  std::vector<PartReport> parts;  // train, val, test; empty ones too
  Extent width, height;
  int64_t decoded = 0, blank = 0;          // blank: all pixels of one colour
  std::vector<UnreadableFile> unreadable;  // in order of samples
  std::vector<DuplicatePair> duplicates;   // all, those across parts and with two labels first
  double imbalance = 1;                    // largest / smallest class of train
  std::string split_note;
  std::vector<std::string> errors;    // must not be trained on
  std::vector<std::string> warnings;  // can be, but look
  bool ok() const { return errors.empty(); }
};

// Reads on all of the process's threads (core/parallel.h). Never throws for what it finds: it lists it.
DataReport examine(const DataSplits& data, const DoctorOptions& options = {});

}  // namespace gabor
