#include "data/cache_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "core/error.h"
#include "core/text.h"
#include "data/fingerprint.h"

namespace gabor {
namespace {

constexpr uint64_t kPage = 4096;
constexpr uint32_t kFormat = 1;

struct Header {
  char magic[8] = {'g', 'a', 'b', 'o', 'r', 'p', 'i', 'x'};
  uint32_t byte_order = 0x01020304;
  uint32_t format = kFormat;
  uint64_t key = 0;
  uint32_t count = 0;
  int32_t height = 0, width = 0, channels = 0;
  uint64_t index_hash = 0;
  uint64_t header_hash = 0;  // of all before it
};
static_assert(sizeof(Header) == 56 && sizeof(IndexEntry) == 16, "no padding: it would be written and hashed");

std::span<const uint8_t> bytes_of(const void* data, size_t count) {
  return {static_cast<const uint8_t*>(data), count};
}
uint64_t hash_of(const std::vector<IndexEntry>& index) {
  return hash_bytes(bytes_of(index.data(), index.size() * sizeof(IndexEntry)));
}
uint64_t hash_of(const Header& header) {
  return hash_bytes(bytes_of(&header, offsetof(Header, header_hash)));
}

Header header_of(const CacheContent& c, uint64_t index_hash) {
  Header h{.key = c.key, .count = c.count, .height = c.height, .width = c.width, .channels = c.channels};
  h.index_hash = index_hash;
  h.header_hash = hash_of(h);
  return h;
}

// The exclusive lock on the file that has this name, not on one that was renamed or removed meanwhile.
bool lock(int descriptor, const std::string& path) {
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) return false;
  struct stat ours {
  }, named{};
  return ::fstat(descriptor, &ours) == 0 && ::stat(path.c_str(), &named) == 0 &&
         ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
}

}  // namespace

uint64_t CacheContent::records_at() const {
  return kPage + (count * sizeof(IndexEntry) + kPage - 1) / kPage * kPage;
}

std::vector<IndexEntry> read_index(const File& file, const CacheContent& content) {
  Header header;
  if (file.size() < kPage) fail(ErrorCode::data, "", "is cut short");
  file.read_at(0, &header, sizeof header);
  if (std::memcmp(header.magic, Header{}.magic, sizeof header.magic) != 0)
    fail(ErrorCode::data, "", "is no cache of gabor");
  if (header.header_hash != hash_of(header)) fail(ErrorCode::data, "", "is damaged");
  const Header expected = header_of(content, header.index_hash);
  if (std::memcmp(&header, &expected, sizeof header) != 0)
    fail(ErrorCode::data, "", "was made from other files or options, or by another version");
  if (file.size() != content.file_bytes()) fail(ErrorCode::data, "", "is cut short");
  std::vector<IndexEntry> index(content.count);
  file.read_at(kPage, index.data(), index.size() * sizeof(IndexEntry));
  if (hash_of(index) != header.index_hash) fail(ErrorCode::data, "", "is damaged");
  return index;
}

CacheWriter::CacheWriter(std::string path, const CacheContent& content)
    : path_(std::move(path)), content_(content) {
  const auto give_up = [&](const std::string& reason) {
    if (descriptor_ >= 0) ::close(descriptor_);
    fail(ErrorCode::data, printable(path_), "{}", reason);
  };
  const std::string temporary = temporary_path();
  descriptor_ = ::open(temporary.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (descriptor_ < 0) give_up(fmt::format("cannot be made: {}", std::strerror(errno)));
  if (!lock(descriptor_, temporary)) give_up("another process is making it");
  // Emptied first: what a killed process left must not be taken for records, nor for free space.
  int error = ::ftruncate(descriptor_, 0) == 0 ? 0 : errno;
  if (error == 0 && ::fallocate(descriptor_, 0, 0, off_t(content_.file_bytes())) != 0) error = errno;
  if (error == EOPNOTSUPP)  // this file system cannot reserve; a full disk then shows when writing
    error = ::ftruncate(descriptor_, off_t(content_.file_bytes())) == 0 ? 0 : errno;
  if (error == 0) return;
  ::unlink(temporary.c_str());
  give_up(fmt::format("{} cannot be reserved: {}", human_bytes(double(content_.file_bytes())),
                      std::strerror(error)));
}

CacheWriter::~CacheWriter() {
  if (!published_) ::unlink(temporary_path().c_str());
  ::close(descriptor_);
}

void CacheWriter::write(uint64_t offset, const void* from, size_t count) {
  const auto* bytes = static_cast<const uint8_t*>(from);
  while (count > 0) {
    const ssize_t put = ::pwrite(descriptor_, bytes, count, off_t(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0)
      fail(ErrorCode::data, printable(path_), "cannot be written: {}", std::strerror(put < 0 ? errno : EIO));
    bytes += put, offset += uint64_t(put), count -= size_t(put);
  }
}

void CacheWriter::write_record(uint32_t i, const uint8_t* pixels) {
  write(content_.record_at(i), pixels, content_.record_bytes());
}

void CacheWriter::publish(const std::vector<IndexEntry>& index) {
  const Header header = header_of(content_, hash_of(index));
  write(kPage, index.data(), index.size() * sizeof(IndexEntry));
  write(0, &header, sizeof header);
  // No fsync, which can take minutes: what a crash of the machine loses fails its checksum afterwards.
  if (::rename(temporary_path().c_str(), path_.c_str()) != 0)
    fail(ErrorCode::data, printable(path_), "cannot be written: {}", std::strerror(errno));
  published_ = true;
}

bool remove_if_abandoned(const std::string& temporary_path) {
  const int descriptor = ::open(temporary_path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (descriptor < 0) return false;
  const bool removed = lock(descriptor, temporary_path) && ::unlink(temporary_path.c_str()) == 0;
  ::close(descriptor);
  return removed;
}

}  // namespace gabor
