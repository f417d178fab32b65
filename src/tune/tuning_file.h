#pragma once
#include <string>
#include <vector>

#include "tune/tuning_record.h"

namespace gabor {

// A file of tuning records, one JSON object a line. It is only ever appended to, under a lock: other machines and other
// processes may keep theirs in the same file. Of two records that answer one question the first counts, so that an answer
// never changes once it is there.
class TuningFile {
 public:
  // Reads what is there; a file that does not exist is empty. Throws Error{checkpoint}: it cannot be read, or has text but
  // no record (it is somebody's, and is left alone).
  explicit TuningFile(std::string path);
  TuningFile(const TuningFile&) = delete;
  TuningFile& operator=(const TuningFile&) = delete;
  ~TuningFile();

  const std::string& path() const { return path_; }
  int unreadable_lines() const { return unreadable_; }
  // The answer to the question that this record puts, or null. Valid until the next call of keep.
  const TuningRecord* find(const TuningRecord& question) const;

  // Makes the file, with its folder, if need be. Throws Error{checkpoint}: nothing can be kept.
  void open_to_keep();
  // After open_to_keep. Appends the record, unless another process has answered the question meanwhile; returns what holds
  // from now on. Throws Error{checkpoint}; the file is then as it was.
  TuningRecord keep(const TuningRecord& record);

 private:
  [[noreturn]] void cannot(const char* what) const;  // names errno
  void read();
  std::string path_;
  std::vector<TuningRecord> records_;
  int unreadable_ = 0;
  bool ends_line_ = true;  // false: the last line was cut off
  int fd_ = -1;
};

}  // namespace gabor
