// report: what a run leaves for people and programs to read. Everything here listens to train/records.h and
// writes to files or streams that it is given; nothing here decides anything.
// row_file.h: a file that grows by whole rows.
#pragma once
#include <string>
#include <string_view>

namespace gabor {

// Appends to path, made when it is not there. Each append is on disk (fsync) when it returns, so a run that
// is killed loses no row. Throws Error{checkpoint} naming the file and the reason, e.g. no space.
class RowFile {
 public:
  explicit RowFile(const std::string& path);
  RowFile(const RowFile&) = delete;
  RowFile& operator=(const RowFile&) = delete;
  ~RowFile();
  bool empty() const;  // nothing was ever written
  void append(std::string_view bytes);

 private:
  std::string path_;
  int descriptor_ = -1;
};

}  // namespace gabor
