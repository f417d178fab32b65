#include "data/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "core/error.h"
#include "core/text.h"

namespace gabor {

FileStamp stamp_of(const struct stat& status) {
  constexpr int64_t kNanoseconds = 1'000'000'000;
  return {uint64_t(status.st_size), status.st_mtim.tv_sec * kNanoseconds + status.st_mtim.tv_nsec};
}

File::File(const std::string& path) : path_(printable(path)) {
  // O_NONBLOCK: opening a FIFO returns at once, and is then refused below
  descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor_ < 0) fail(ErrorCode::data, path_, "cannot be opened: {}", std::strerror(errno));
  struct stat status {};
  const bool known = ::fstat(descriptor_, &status) == 0;
  if (!known || !S_ISREG(status.st_mode)) {
    ::close(descriptor_);
    fail(ErrorCode::data, path_, "is not a regular file; remove it from the data set");
  }
  stamp_ = stamp_of(status);
}

File::~File() { ::close(descriptor_); }

void File::read_at(uint64_t offset, void* to, size_t count) const {
  auto* out = static_cast<uint8_t*>(to);
  while (count > 0) {
    const ssize_t got = ::pread(descriptor_, out, count, off_t(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(ErrorCode::data, path_, "cannot be read: {}", std::strerror(errno));
    if (got == 0)
      fail(ErrorCode::data, path_, "ends at byte {}, {} more were expected; is it cut short?", offset, count);
    out += got, offset += uint64_t(got), count -= size_t(got);
  }
}

std::vector<uint8_t> read_file(const std::string& path, uint64_t max_bytes) {
  const File file(path);
  if (file.size() > max_bytes)
    fail(ErrorCode::data, printable(path), "{} is over the limit of {}", human_bytes(double(file.size())),
         human_bytes(double(max_bytes)));
  std::vector<uint8_t> bytes(file.size());
  file.read_at(0, bytes.data(), bytes.size());
  return bytes;
}

std::vector<uint8_t> read_maybe_gzip(const std::string& path, uint64_t max_bytes) {
  std::vector<uint8_t> packed = read_file(path, max_bytes);
  if (packed.size() < 2 || packed[0] != 0x1F || packed[1] != 0x8B) return packed;
  const auto damaged = [&] {
    fail(ErrorCode::data, printable(path), "gzip file is damaged or cut short; fetch it again");
  };

  z_stream stream{};
  constexpr int kGzipWindow = 15 + 16;  // zlib's way to ask for the gzip wrapper and its CRC
  if (inflateInit2(&stream, kGzipWindow) != Z_OK)
    fail(ErrorCode::memory, printable(path), "cannot start zlib");
  const std::unique_ptr<z_stream, void (*)(z_stream*)> guard(&stream, [](z_stream* s) { inflateEnd(s); });
  std::vector<uint8_t> out(std::min<uint64_t>(max_bytes, packed.size() * 4 + 1024));
  stream.next_in = packed.data();
  stream.avail_in = uInt(std::min<size_t>(packed.size(), UINT32_MAX));
  while (true) {
    if (stream.total_out == out.size()) {
      if (out.size() >= max_bytes)
        fail(ErrorCode::data, printable(path), "unpacks to more than {}", human_bytes(double(max_bytes)));
      out.resize(std::min<uint64_t>(max_bytes, out.size() * 2));
    }
    stream.next_out = out.data() + stream.total_out;
    stream.avail_out = uInt(std::min<size_t>(out.size() - stream.total_out, UINT32_MAX));
    const int status = inflate(&stream, Z_NO_FLUSH);
    if (status == Z_STREAM_END) break;
    if (status != Z_OK) damaged();
  }
  out.resize(stream.total_out);
  return out;
}

}  // namespace gabor
