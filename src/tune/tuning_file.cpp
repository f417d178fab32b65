#include "tune/tuning_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "core/error.h"
#include "core/text.h"

namespace gabor {
namespace {

namespace fs = std::filesystem;

// Held by one process at a time; the file system lets go of it when the process ends.
class FileLock {
 public:
  explicit FileLock(int fd) : fd_(fd) {
    do held_ = ::flock(fd_, LOCK_EX) == 0;
    while (!held_ && errno == EINTR);
  }
  ~FileLock() {
    if (held_) ::flock(fd_, LOCK_UN);
  }
  bool held() const { return held_; }

 private:
  int fd_;
  bool held_ = false;
};

bool append(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    text.remove_prefix(size_t(n));
  }
  return true;
}

}  // namespace

TuningFile::TuningFile(std::string path) : path_(std::move(path)) { read(); }

TuningFile::~TuningFile() {
  if (fd_ >= 0) ::close(fd_);
}

void TuningFile::cannot(const char* what) const {
  fail(ErrorCode::checkpoint, printable(path_), "cannot be {}: {}", what, std::strerror(errno));
}

void TuningFile::read() {
  records_.clear(), unreadable_ = 0, ends_line_ = true;
  std::error_code error;
  const fs::file_status status = fs::status(path_, error);
  if (status.type() == fs::file_type::not_found) return;
  if (status.type() != fs::file_type::regular) fail(ErrorCode::checkpoint, printable(path_), "is not a file");
  std::ifstream in(path_, std::ios::binary);
  for (std::string line; std::getline(in, line);) {
    ends_line_ = !in.eof();
    if (line.empty()) continue;
    if (auto record = parse_record(line))
      records_.push_back(std::move(*record));
    else
      unreadable_++;
  }
  if (!in.eof()) cannot("read");
  if (records_.empty() && unreadable_ > 0)
    fail(ErrorCode::checkpoint, printable(path_),
         "holds no tuning records; delete it, or name another by --tuning");
}

const TuningRecord* TuningFile::find(const TuningRecord& question) const {
  const auto at = std::find_if(records_.begin(), records_.end(),
                               [&](const TuningRecord& r) { return same_question(r, question); });
  return at == records_.end() ? nullptr : &*at;
}

void TuningFile::open_to_keep() {
  std::error_code ignored;  // shows in the next call
  if (const fs::path folder = fs::path(path_).parent_path(); !folder.empty())
    fs::create_directories(folder, ignored);
  fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd_ < 0) cannot("written");
}

TuningRecord TuningFile::keep(const TuningRecord& record) {
  GABOR_CHECK(fd_ >= 0);
  const FileLock lock(fd_);
  if (!lock.held()) cannot("locked");
  read();
  if (const TuningRecord* kept = find(record)) return *kept;
  const off_t size = ::lseek(fd_, 0, SEEK_END);
  if (!append(fd_, (ends_line_ ? "" : "\n") + to_json(record) + "\n")) {
    const int why = errno;
    // No half record stays; should this fail too, the next reader counts it as unreadable.
    [[maybe_unused]] const int ignored = ::ftruncate(fd_, size);
    errno = why;
    cannot("written");
  }
  records_.push_back(record);
  return record;
}

}  // namespace gabor
