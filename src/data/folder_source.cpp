#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "core/error.h"
#include "core/text.h"
#include "data/file.h"
#include "data/file_source.h"

namespace gabor {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxDepth = 16;
constexpr int kMaxFolders = 1'000'000;  // links can make a small tree look exponentially large

class FolderSource final : public FileSource {
 public:
  explicit FolderSource(std::string base) : base_(std::move(base)) {}

  std::vector<uint8_t> read(const FileEntry& entry, uint64_t max_bytes) const override {
    return read_file(path(entry), max_bytes);
  }
  std::string where(const FileEntry& entry) const override { return printable(path(entry)); }
  FileStamp stamp(const FileEntry& entry) const override {
    struct stat status {};
    return ::stat(path(entry).c_str(), &status) == 0 ? stamp_of(status) : FileStamp{};
  }

 private:
  std::string path(const FileEntry& entry) const { return (fs::path(base_) / entry.name).string(); }
  std::string base_;
};

// The walk. A folder's identity is (device, inode); those on the way down are kept, to end loops.
class Walk {
 public:
  Walk(const std::string& root, FileSource& source) : source_(source), real_root_(fs::canonical(root)) {
    enter(root, "");
    const auto note = [&](int count, const char* what) {
      if (count > 0) source_.notes.push_back(fmt::format("{} {}", count, what));
    };
    note(links_outside_, "links that are broken or lead outside the folder were left out");
    note(special_, "FIFOs, sockets or devices were left out");
    note(too_deep_, "folders nested deeper than 16 were left out");
    std::sort(source_.entries.begin(), source_.entries.end(),
              [](const FileEntry& a, const FileEntry& b) { return a.name < b.name; });
    std::sort(source_.folders.begin(), source_.folders.end());
  }

 private:
  using Identity = std::pair<dev_t, ino_t>;

  bool within_root(const fs::path& real) const {
    const auto [root_end, ignored] =
        std::mismatch(real_root_.begin(), real_root_.end(), real.begin(), real.end());
    return root_end == real_root_.end();
  }

  void enter(const fs::path& folder, const std::string& prefix) {
    struct stat status {};
    if (::stat(folder.c_str(), &status) != 0) return;
    const Identity self{status.st_dev, status.st_ino};
    if (std::find(above_.begin(), above_.end(), self) != above_.end()) return;  // a link back up
    if (above_.size() > kMaxDepth) {
      too_deep_++;
      return;
    }
    if (++entered_ > kMaxFolders)
      fail(ErrorCode::data, printable(real_root_.string()), "has over {} folders; do links multiply it?",
           kMaxFolders);
    if (!prefix.empty()) source_.folders.push_back(prefix.substr(0, prefix.size() - 1));
    above_.push_back(self);
    std::error_code error;
    fs::directory_iterator entry(folder, error);
    for (; !error && entry != fs::directory_iterator(); entry.increment(error)) visit(entry->path(), prefix);
    if (error) fail(ErrorCode::data, printable(folder.string()), "cannot be listed: {}", error.message());
    above_.pop_back();
  }

  void visit(const fs::path& path, const std::string& prefix) {
    const std::string name = prefix + path.filename().string();
    if (is_hidden(name)) return;
    std::error_code error;
    if (fs::is_symlink(fs::symlink_status(path, error))) {
      const fs::path real = fs::canonical(path, error);
      if (error || !within_root(real)) {
        links_outside_++;
        return;
      }
    }
    const fs::file_status status = fs::status(path, error);
    if (fs::is_directory(status)) {
      enter(path, name + "/");
    } else if (fs::is_regular_file(status)) {
      source_.entries.push_back({.name = name, .bytes = fs::file_size(path, error)});
    } else {
      special_++;
    }
  }

  FileSource& source_;
  fs::path real_root_;
  std::vector<Identity> above_;
  int entered_ = 0, links_outside_ = 0, special_ = 0, too_deep_ = 0;
};

}  // namespace

bool is_hidden(const std::string& name) {
  for (size_t begin = 0; begin < name.size();) {
    if (name[begin] == '.' && name.compare(begin, 2, "./") != 0) return true;
    begin = name.find('/', begin);
    if (begin == std::string::npos) return false;
    begin++;
  }
  return false;
}

std::unique_ptr<FileSource> open_folder(const std::string& root) {
  auto source = std::make_unique<FolderSource>(root);
  try {
    Walk(root, *source);
  } catch (const fs::filesystem_error& e) {
    fail(ErrorCode::data, printable(root), "cannot be read: {}", e.code().message());
  }
  return source;
}

std::unique_ptr<FileSource> open_list(const std::string& base, std::vector<std::string> names) {
  auto source = std::make_unique<FolderSource>(base);
  for (std::string& name : names) source->entries.push_back({.name = std::move(name)});
  return source;
}

}  // namespace gabor
