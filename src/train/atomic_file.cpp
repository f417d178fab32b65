// Reading and atomically replacing whole files (declared in train/safetensors.h).
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "core/error.h"
#include "core/text.h"
#include "train/safetensors.h"

namespace gabor {
namespace {

namespace fs = std::filesystem;

class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  int fd() const { return fd_; }
  bool close() { return ::close(std::exchange(fd_, -1)) == 0; }

 private:
  int fd_;
};

bool write_all(int fd, std::span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes = bytes.subspan(size_t(n));
  }
  return true;
}

}  // namespace

void write_atomically(const std::string& path, std::span<const uint8_t> bytes) {
  const fs::path target(path);
  const std::string folder = target.parent_path().empty() ? "." : target.parent_path().string();
  const std::string temporary = path + ".gabor-tmp";
  auto give_up = [&](const char* what) {
    const int error = errno;
    ::unlink(temporary.c_str());
    std::error_code ec;
    const fs::space_info space = fs::space(folder, ec);
    fail(ErrorCode::checkpoint, printable(path),
         "cannot {}: {} ({} needed, {} free); the old file, if any, is kept", what, std::strerror(error),
         human_bytes(double(bytes.size())), ec ? "?" : human_bytes(double(space.available)));
  };
  ::unlink(temporary.c_str());  // left by a run that was killed
  File file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (file.fd() < 0) give_up("create it");
  if (!write_all(file.fd(), bytes)) give_up("write it");
  if (::fsync(file.fd()) != 0) give_up("write it to the disk");
  if (!file.close()) give_up("close it");
  if (::rename(temporary.c_str(), path.c_str()) != 0) give_up("replace the old file");
  File dir(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (dir.fd() >= 0)
    ::fsync(dir.fd());  // the rename itself; some file systems cannot, and the data is safe already
}

SafeTensors read_safetensors(const std::string& path) {
  const std::string shown = printable(path);
  struct stat st {};
  if (::stat(path.c_str(), &st) != 0)
    fail(ErrorCode::checkpoint, shown, "{}", errno == ENOENT ? "no such file" : std::strerror(errno));
  if (!S_ISREG(st.st_mode))
    fail(ErrorCode::checkpoint, shown, "is not a file; expected a .safetensors checkpoint");
  File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.fd() < 0) fail(ErrorCode::checkpoint, shown, "cannot be opened: {}", std::strerror(errno));
  std::vector<uint8_t> bytes(static_cast<size_t>(st.st_size));
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = ::read(file.fd(), bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0)
      fail(ErrorCode::checkpoint, shown, "cannot be read to its end: {}",
           n < 0 ? std::strerror(errno) : "it shrank meanwhile");
    done += size_t(n);
  }
  return decode_safetensors(bytes, shown);
}

}  // namespace gabor
