#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "core/error.h"
#include "core/text.h"
#include "data/file.h"
#include "data/file_source.h"

namespace gabor {
namespace {

constexpr size_t kBlock = 512;
constexpr uint64_t kMaxNameBytes = 64 << 10;  // of a GNU long name or a pax header
using Header = std::array<uint8_t, kBlock>;

// Octal digits between optional blanks, or GNU's big-endian binary form (first bit set).
std::optional<uint64_t> number(const uint8_t* field, size_t size) {
  uint64_t value = 0;
  if (field[0] & 0x80) {
    for (size_t i = 0; i < size; i++) {
      const uint8_t byte = i == 0 ? field[i] & 0x7F : field[i];
      if (value >> 55) return std::nullopt;
      value = value << 8 | byte;
    }
    return value;
  }
  size_t i = 0;
  while (i < size && field[i] == ' ') i++;
  for (; i < size && field[i] >= '0' && field[i] <= '7'; i++) value = value << 3 | uint64_t(field[i] - '0');
  for (; i < size; i++)
    if (field[i] != ' ' && field[i] != 0) return std::nullopt;
  return value;
}

std::string text(const uint8_t* field, size_t size) {
  const auto* begin = reinterpret_cast<const char*>(field);
  return {begin, strnlen(begin, size)};
}

bool is_zero(const Header& h) {
  return std::all_of(h.begin(), h.end(), [](uint8_t b) { return b == 0; });
}

bool checksum_is_right(const Header& h) {
  const auto said = number(&h[148], 8);
  uint64_t sum = 0;
  for (size_t i = 0; i < kBlock; i++) sum += i >= 148 && i < 156 ? ' ' : h[i];
  return said && *said == sum;
}

std::string stored_name(const Header& h) {
  const std::string name = text(&h[0], 100);
  const bool posix =
      std::memcmp(&h[257], "ustar\0", 6) == 0;  // GNU's "ustar  " keeps other things in the prefix field
  const std::string prefix = posix ? text(&h[345], 155) : "";
  return prefix.empty() ? name : prefix + "/" + name;
}

struct PaxFields {
  std::string path;
  std::optional<uint64_t> size;
};

// Records "LENGTH key=value\n", LENGTH counting the whole record. False if they are malformed.
bool parse_pax(std::string_view records, PaxFields& fields) {
  while (!records.empty() && records[0] != 0) {
    size_t length = 0;
    const auto [end, error] = std::from_chars(records.data(), records.data() + records.size(), length);
    const size_t digits = size_t(end - records.data());
    if (error != std::errc() || length > records.size() || length < digits + 3 || records[digits] != ' ')
      return false;
    const std::string_view record = records.substr(digits + 1, length - digits - 2);
    const size_t equals = record.find('=');
    if (equals == std::string_view::npos || records[length - 1] != '\n') return false;
    const std::string_view key = record.substr(0, equals), value = record.substr(equals + 1);
    if (key == "path") fields.path = value;
    if (key == "size") {
      uint64_t size = 0;
      if (std::from_chars(value.data(), value.data() + value.size(), size).ec != std::errc()) return false;
      fields.size = size;
    }
    records.remove_prefix(length);
  }
  return true;
}

class TarSource final : public FileSource {
 public:
  explicit TarSource(const std::string& path) : path_(printable(path)), file_(path) { index(); }

  std::vector<uint8_t> read(const FileEntry& entry, uint64_t max_bytes) const override {
    if (entry.bytes > max_bytes)
      fail(ErrorCode::data, where(entry), "{} is over the limit of {}", human_bytes(double(entry.bytes)),
           human_bytes(double(max_bytes)));
    std::vector<uint8_t> bytes(entry.bytes);
    file_.read_at(entry.offset, bytes.data(), bytes.size());
    return bytes;
  }
  std::string where(const FileEntry& entry) const override { return path_ + ":" + printable(entry.name); }
  FileStamp stamp(const FileEntry& entry) const override { return {entry.bytes, file_.stamp().modified_ns}; }

 private:
  std::string read_text(uint64_t at, uint64_t size) const {
    if (size > kMaxNameBytes) fail(ErrorCode::data, path_, "has a name of {} bytes at byte {}", size, at);
    std::string out(size, '\0');
    file_.read_at(at, out.data(), size);
    return out;
  }

  void add(std::string name, uint64_t at, uint64_t size) {
    if (name.starts_with("./")) name.erase(0, 2);
    if (name.empty() || is_hidden(name)) return;
    entries.push_back({.name = std::move(name), .bytes = size, .offset = at});
  }

  void add_folder(std::string name) {
    if (name.starts_with("./")) name.erase(0, 2);
    while (name.ends_with('/')) name.pop_back();
    if (!name.empty() && !is_hidden(name)) folders.push_back(std::move(name));
  }

  void index() {
    std::string long_name;
    PaxFields pax;
    int left_out = 0;
    bool ended = false;
    for (uint64_t at = 0; !ended;) {
      if (at + kBlock > file_.size())
        fail(ErrorCode::data, path_, "the archive has no end mark: it is cut short; fetch it again");
      Header h;
      file_.read_at(at, h.data(), kBlock);
      if (is_zero(h)) {
        ended = true;
        continue;
      }
      if (!checksum_is_right(h))
        fail(ErrorCode::data, path_, "the archive is damaged at byte {}; fetch it again", at);
      const char type = char(h[156]);
      uint64_t size = number(&h[124], 12).value_or(UINT64_MAX);
      const bool describes_next = type == 'L' || type == 'K' || type == 'x' || type == 'g';
      if (!describes_next && pax.size) size = *pax.size;
      const uint64_t data_at = at + kBlock;
      if (size > file_.size() - data_at)
        fail(ErrorCode::data, path_, "the archive is cut short within '{}'; fetch it again",
             printable(stored_name(h)));
      at = data_at + (size + kBlock - 1) / kBlock * kBlock;
      if (type == 'L') {
        const std::string name = read_text(data_at, size);
        long_name = name.substr(0, name.find('\0'));
      } else if (type == 'x') {
        if (!parse_pax(read_text(data_at, size), pax))
          fail(ErrorCode::data, path_, "the archive is damaged at byte {}; fetch it again", data_at);
      }
      if (describes_next) continue;
      std::string name = !pax.path.empty() ? pax.path : !long_name.empty() ? long_name : stored_name(h);
      if ((type == '0' || type == 0 || type == '7') && !name.ends_with('/'))
        add(std::move(name), data_at, size);
      else if (type == '5' || name.ends_with('/'))
        add_folder(std::move(name));
      else
        left_out++;
      long_name.clear();
      pax = {};
    }
    if (left_out > 0)
      notes.push_back(fmt::format("{} links or special files in the archive were left out", left_out));
    keep_last_of_each_name();
    std::sort(folders.begin(), folders.end());
  }

  // A name stored twice means that the later file replaces the earlier.
  void keep_last_of_each_name() {
    std::sort(entries.begin(), entries.end(), [](const FileEntry& a, const FileEntry& b) {
      return a.name != b.name ? a.name < b.name : a.offset > b.offset;
    });
    const auto same = [](const FileEntry& a, const FileEntry& b) { return a.name == b.name; };
    entries.erase(std::unique(entries.begin(), entries.end(), same), entries.end());
  }

  std::string path_;
  File file_;
};

bool is_gzip(const Header& h) { return h[0] == 0x1F && h[1] == 0x8B; }

}  // namespace

bool looks_like_tar(const std::string& path) {
  const File file(path);
  Header h{};
  file.read_at(0, h.data(), std::min<uint64_t>(kBlock, file.size()));
  return is_gzip(h) || (file.size() >= kBlock && !is_zero(h) && checksum_is_right(h));
}

std::unique_ptr<FileSource> open_tar(const std::string& path) {
  {
    const File file(path);
    Header h{};
    file.read_at(0, h.data(), std::min<uint64_t>(kBlock, file.size()));
    if (is_gzip(h))
      fail(ErrorCode::data, printable(path),
           "is compressed, so it cannot be read in place; run 'gunzip' on it first");
  }
  return std::make_unique<TarSource>(path);
}

}  // namespace gabor
