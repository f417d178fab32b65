#include "report/row_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/error.h"
#include "core/text.h"

namespace gabor {
namespace {
[[noreturn]] void refuse(const std::string& path, int error) {
  fail(ErrorCode::checkpoint, printable(path), "cannot be written: {}", std::strerror(error));
}
}  // namespace

RowFile::RowFile(const std::string& path) : path_(path) {
  descriptor_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (descriptor_ < 0) refuse(path_, errno);
}

RowFile::~RowFile() { ::close(descriptor_); }

bool RowFile::empty() const { return ::lseek(descriptor_, 0, SEEK_END) == 0; }

void RowFile::append(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(descriptor_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) refuse(path_, errno);
    bytes.remove_prefix(size_t(n));
  }
  // Pipes and some file systems cannot sync; that is no reason to stop a run.
  if (::fsync(descriptor_) != 0 && errno != EINVAL && errno != EROFS && errno != ENOTSUP)
    refuse(path_, errno);
}

}  // namespace gabor
