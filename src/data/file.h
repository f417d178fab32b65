// Regular files, read with pread: an I/O error is an Error, never a signal, and a FIFO or device cannot hang
// us.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "data/file_source.h"

struct stat;

namespace gabor {

FileStamp stamp_of(const struct stat& status);

class File {
 public:
  // Throws Error{data}, where = path, if there is no such regular file or it may not be read.
  explicit File(const std::string& path);
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File();
  uint64_t size() const { return stamp_.bytes; }  // when it was opened
  const FileStamp& stamp() const { return stamp_; }
  // Exactly count bytes from offset, from any thread; Error{data} when the file ends before.
  void read_at(uint64_t offset, void* to, size_t count) const;

 private:
  std::string path_;
  int descriptor_ = -1;
  FileStamp stamp_;
};

// The whole file; Error{data} when it is larger than max_bytes.
std::vector<uint8_t> read_file(const std::string& path, uint64_t max_bytes);

// The same, unpacked first if it is a gzip file (told by its first bytes); max_bytes then bounds what comes
// out.
std::vector<uint8_t> read_maybe_gzip(const std::string& path, uint64_t max_bytes);

}  // namespace gabor
