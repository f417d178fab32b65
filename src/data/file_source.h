// A set of named files: a folder tree or a .tar read in place. Above this, nobody cares which of the two it
// was.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace gabor {

struct FileEntry {
  std::string name;  // path within the source, '/' between parts, e.g. "train/cat/1.jpg"
  uint64_t bytes = 0;
  uint64_t offset = 0;  // within a .tar; 0 for a file of its own
};

// What tells that a file is still the one it was, without reading it.
struct FileStamp {
  uint64_t bytes = 0;
  int64_t modified_ns = 0;  // since 1970
};

// Read-only and safe to use from many threads.
class FileSource {
 public:
  virtual ~FileSource() = default;
  // The bytes of one entry, in memory; Error{data} naming it when it cannot be read or is over max_bytes.
  virtual std::vector<uint8_t> read(const FileEntry& entry, uint64_t max_bytes) const = 0;
  virtual std::string where(const FileEntry& entry) const = 0;  // for messages: the whole path
  // Of the file as it is now, or of the .tar around it; zeros where it cannot be found.
  virtual FileStamp stamp(const FileEntry& entry) const = 0;

  std::vector<FileEntry> entries;    // sorted by name, bytewise
  std::vector<std::string> folders;  // all of them, sorted: a class without files shows here only
  std::vector<std::string> notes;    // what was left out, and why
};

// Walks the tree below root. Taken: regular files, and links that end within root. Left out: hidden names,
// FIFOs, devices, links that lead outside or are broken. Each folder is entered once on a path, so a loop of
// links ends; depth is limited to 16. Throws Error{data} if root or a folder cannot be read.
std::unique_ptr<FileSource> open_folder(const std::string& root);

// Files by their own paths, relative to base unless absolute (a CSV's list). Nothing is looked up until it is
// read.
std::unique_ptr<FileSource> open_list(const std::string& base, std::vector<std::string> names);

// POSIX ustar and pax, GNU long names, and v7. Links, devices and sparse files are left out with a note.
// Throws Error{data} for a wrong header checksum, a file cut short, or a compressed archive (with what to do
// about it).
std::unique_ptr<FileSource> open_tar(const std::string& path);
bool looks_like_tar(
    const std::string& path);  // by its first 512 bytes; gzip counts too, so that open_tar can explain

// "a file's" name is hidden when one of its parts begins with a dot ("./" at the front does not count).
bool is_hidden(const std::string& name);

}  // namespace gabor
