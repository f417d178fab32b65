// One packed file of decoded pictures: header, index, records. Numbers are as the machine has them; a file of
// the other byte order is foreign.
//
//   bytes                      content
//   0 .. 4095                  Header, then zeros
//   4096 .. + 16 * count       one IndexEntry a picture of the data set, then zeros up to a multiple of 4096
//   then count * record_bytes  pixels u8 {height,width,channels} of each picture, RGB or gray
//
// A file is believed when its header and index pass their checksums and it has the right length; a record when
// it passes its own. So bytes may be lost, cut or flipped anywhere, and no wrong pixel goes into a batch.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "data/file.h"

namespace gabor {

// What the pixels of a record depend on.
struct CacheContent {
  uint64_t key = 0;    // of the files and of the preprocessing
  uint32_t count = 0;  // pictures of the data set
  int height = 0, width = 0, channels = 0;

  uint64_t record_bytes() const { return uint64_t(height) * uint64_t(width) * uint64_t(channels); }
  uint64_t record_at(uint32_t i) const { return records_at() + i * record_bytes(); }
  uint64_t records_at() const;
  uint64_t file_bytes() const { return record_at(count); }
};

struct IndexEntry {
  uint64_t hash = 0;     // XXH3 of the record
  uint64_t present = 0;  // 1: the record was written; 0: it never was (the file is bad, or was not asked for)
};

// The index of a whole file of this content. Throws Error{data}, where = "", with what is the matter with it.
std::vector<IndexEntry> read_index(const File& file, const CacheContent& content);

// A file in the making, under another name until it is whole; removed by the destructor if it never was. One
// process at a time can make the same file: the temporary one is locked, and the system lets go of the lock
// when the process dies, however it dies. Writes to different records may run at once.
class CacheWriter {
 public:
  // Reserves the space. Throws Error{data}: another process is at it, the folder cannot be written, the disk
  // is full.
  CacheWriter(std::string path, const CacheContent& content);
  CacheWriter(const CacheWriter&) = delete;
  CacheWriter& operator=(const CacheWriter&) = delete;
  ~CacheWriter();

  std::string temporary_path() const { return path_ + kUnfinished; }
  void write_record(uint32_t i, const uint8_t* pixels);  // throws Error{data}
  // Writes index and header, and gives the file its name. Throws Error{data}.
  void publish(const std::vector<IndexEntry>& index);

  static constexpr const char* kUnfinished = ".part";

 private:
  void write(uint64_t offset, const void* from, size_t count);
  std::string path_;
  CacheContent content_;
  int descriptor_ = -1;
  bool published_ = false;
};

// Removes the unfinished file of a process that was killed; false when one is at work on it.
bool remove_if_abandoned(const std::string& temporary_path);

}  // namespace gabor
