// The cache of decoded pictures: the first epoch leaves every picture, decoded and resized, in one file; later
// epochs and later runs read it and decode nothing. Augmentation comes afterwards, so a batch has the same
// bits with and without it.
//
// Records are read with pread, straight into the batch, and not through a mapping: where the file is cut short
// or the disk fails, that is an error that can be handled, where a mapping would kill the process.
// It costs 1.3 to 1.8 times a plain copy, by the size of the page cache's pages. A record's checksum, half a
// copy more, is verified when the run first reads it; afterwards nobody writes to that file, only in its place.
#pragma once
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "data/cache_file.h"
#include "data/dataset.h"
#include "data/resize.h"

namespace gabor {

struct CacheOptions {
  std::string path;     // of the file; its folder is made
  std::string version;  // of gabor: a file of another version is not used
  int height = 0, width = 0, channels = 3;
  Resize resize = Resize::antialias;
  uint64_t max_bytes = uint64_t{20} << 30;  // of all caches in the folder
};

// What a file must hold to be valid for these pictures, as their files are now.
CacheContent cache_content(const Dataset& dataset, const DatasetStamp& stamp, const CacheOptions& options);

// load(), store() and skip() may be called by many threads at once. A cache never makes a run fail: what is the
// matter with the file is a note, and then pictures are decoded.
class PictureCache {
 public:
  enum class State {
    ready,     // a whole file is there
    building,  // it is being written; what is in it already can be loaded
    off,       // neither: load() is always false
  };

  // Opens the file if it is valid for this content, else begins to make it. wanted: the samples that make it
  // whole; with none, nothing is made (an evaluation that reads each picture once).
  PictureCache(CacheOptions options, const CacheContent& content, const std::vector<uint32_t>& wanted);
  ~PictureCache();  // an unfinished file is removed

  const CacheOptions& options() const { return options_; }
  const CacheContent& content() const { return content_; }

  // Copies a picture's pixels (u8 {height,width,channels}) to `pixels`. False when it is not there or its bytes
  // are damaged: decode it then; `pixels` may have been written to.
  bool load(uint32_t sample, uint8_t* pixels);
  void store(uint32_t sample, const uint8_t* pixels);
  void skip(uint32_t sample);  // a bad picture: it stays out of the file, so that it is tried anew every time

  State state() const;
  // What went wrong since the last call, one line each.
  std::vector<std::string> take_notes();

 private:
  void open_file();
  void begin_file(const std::vector<uint32_t>& wanted);
  void count_off(uint32_t sample);
  void give_up(const std::string& reason);
  void drop_damaged();

  const CacheOptions options_;
  const CacheContent content_;
  mutable std::mutex mutex_;  // guards what follows; file_ and writer_ are set in the constructor only
  State state_ = State::off;
  std::vector<IndexEntry> index_;
  std::vector<bool> verified_;  // read once, and found whole
  std::vector<bool> awaited_;   // wanted, and not seen yet
  uint32_t missing_ = 0;        // of these
  bool told_damage_ = false;
  std::vector<std::string> notes_;
  std::unique_ptr<CacheWriter> writer_;
  std::unique_ptr<File> file_;
};

}  // namespace gabor
