// A look at a data set before it is trained on: what is in it, and what in it would train or validate
// nonsense.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace gabor {

struct DoctorOptions {
  bool decode = true;  // read every picture: finds damage, sizes, blanks; false = counts and duplicates only
  double max_bad = 0.01;  // more than this share unreadable (and more than 3) is an error, as in the loader
  double max_imbalance = 5.0;  // a class this many times as large as another is worth a warning
  int min_per_class = 20;      // fewer training pictures than this of a class is worth a warning
  ImageSize size{300, 300};    // of the network's input, to which every picture is resized
  // Called now and then while pictures are read, on the thread that called examine().
  std::function<void(int64_t done, int64_t total)> progress{};
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

// Two files of one picture, first before second in the order of train, val, test.
struct DuplicatePair {
  std::string first, second;            // names
  std::string first_part, second_part;  // "train", "val", "test"
  uint32_t first_sample = 0, second_sample = 0;
  bool across_parts = false;   // the same picture trains and validates: accuracy looks better than it is
  bool labels_differ = false;  // the same picture under two classes
  int distance = 0;            // near duplicates: bits of 128 in which the hashes differ (data/sketch.h)
};

// What a resize to the network's input does to the pictures: their shape is not kept.
struct ResizeLoss {
  static constexpr double kMuchStretch = 1.5;
  ImageSize size;
  // How many times wider or narrower than it is a picture becomes, 1 or more. Cutting it to shape instead
  // would throw away 1 - 1/stretch of it.
  double stretch_median = 1, stretch_max = 1;
  std::string most_stretched{};
  int64_t stretched = 0;   // pictures above kMuchStretch
  int64_t enlarged = 0;    // pictures with fewer rows or columns than size
  double kept_median = 1;  // share of its pixels that a picture keeps, at most 1
};

// A path that names another class than the picture's label (data/path_label.h).
struct PathConflict {
  std::string name;
  int label = 0, named = 0;  // index into classes
};

struct DataReport {
  std::vector<std::string> classes;
  std::vector<PartReport> parts;  // train, val, test; empty ones too
  Extent width, height;
  int64_t decoded = 0, blank = 0;          // blank: all pixels of one colour
  std::vector<UnreadableFile> unreadable;  // in order of samples
  std::vector<DuplicatePair> duplicates;   // byte-equal; those across parts and with two labels first
  // Of the pictures that are no duplicates of an earlier file: those that look like one
  // (data/near_duplicates.h), each once, with the first that it shares neither part nor label with, else only
  // one of them, else the first at all.
  std::vector<DuplicatePair> near_duplicates;
  std::vector<PathConflict> path_conflicts;  // in order of samples
  ResizeLoss resize;                         // when pictures were decoded
  double imbalance = 1;                      // largest / smallest class of train
  std::string split_note;
  std::vector<std::string> errors;    // must not be trained on
  std::vector<std::string> warnings;  // can be, but look
  bool ok() const { return errors.empty(); }
};

// Reads on all of the process's threads (core/parallel.h). Never throws for what it finds: it lists it.
// The report does not depend on their number.
DataReport examine(const DataSplits& data, const DoctorOptions& options = {});

// Names of the pictures that are better taken out, sorted: unreadable ones, all byte-equal ones but the
// first, and, where they are in two classes, the first too: nobody knows which label is right. Near
// duplicates are for people to judge and stay.
std::vector<std::string> names_to_remove(const DataReport& report);

}  // namespace gabor
