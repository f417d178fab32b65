#include "cli/run_folder.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "core/error.h"
#include "core/text.h"

namespace gabor {

namespace fs = std::filesystem;

namespace {
[[noreturn]] void cannot_make(const std::string& path, const std::string& reason) {
  fail(ErrorCode::checkpoint, printable(path), "the run folder cannot be made: {}; choose another with --out",
       reason);
}

// false: it was there already. made_parent: whether the folder around it is new too.
bool make_folder(const std::string& path, bool& made_parent) {
  std::error_code error;
  made_parent |=
      fs::create_directories(fs::path(path).parent_path(), error);  // an error shows in the next call
  const bool made = fs::create_directory(path, error);
  if (error) cannot_make(path, error.message());
  return made;
}
}  // namespace

RunFolder::RunFolder(const std::string& wanted, const std::string& name) {
  if (wanted.empty()) {
    for (int n = 1; !made_here_; n++) {
      path_ = fmt::format("{}/{}-{}", kRunsFolder, name, n);
      std::error_code error;
      made_here_ = !fs::exists(path_, error) && make_folder(path_, made_parent_);
    }
    return;
  }
  path_ = wanted;
  while (path_.size() > 1 && path_.back() == '/') path_.pop_back();
  std::error_code error;
  if (fs::exists(path_, error)) {
    if (!fs::is_directory(path_, error)) cannot_make(path_, "a file of that name exists");
    if (!fs::is_empty(path_, error) || error)
      fail(ErrorCode::usage, printable(path_),
           "the run folder exists and is not empty; choose another --out, or continue it with --resume {}",
           printable(path_));
  } else {
    made_here_ = make_folder(path_, made_parent_);
  }
  if (::access(path_.c_str(), W_OK | X_OK) != 0) cannot_make(path_, std::strerror(errno));
}

RunFolder RunFolder::existing(const std::string& path) {
  RunFolder folder;
  folder.path_ = path;
  while (folder.path_.size() > 1 && folder.path_.back() == '/') folder.path_.pop_back();
  std::error_code error;
  const std::string where = printable(path);
  if (!fs::is_directory(path, error))
    fail(ErrorCode::checkpoint, where, "no such run folder; --resume takes the folder that a run wrote");
  if (!fs::exists(folder.path_ + "/last.safetensors", error))
    fail(ErrorCode::checkpoint, where,
         "has no last.safetensors; it is no run folder, or the run never finished an epoch");
  return folder;
}

RunFolder::RunFolder(RunFolder&& other) noexcept
    : path_(std::move(other.path_)),
      made_here_(std::exchange(other.made_here_, false)),
      made_parent_(std::exchange(other.made_parent_, false)) {}

RunFolder::~RunFolder() {
  std::error_code ignored;
  // Both fail, as they should, when something is in it.
  if (made_here_) fs::remove(path_, ignored);
  if (made_parent_) fs::remove(fs::path(path_).parent_path(), ignored);
}

ScratchFolder::ScratchFolder() {
  std::error_code ignored;
  path_ = (fs::temp_directory_path(ignored) / "gabor-XXXXXX").string();
  if (!::mkdtemp(path_.data()))
    fail(ErrorCode::data, printable(path_), "no temporary folder can be made: {}", std::strerror(errno));
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::string path_name(const std::string& text) {
  std::string out;
  for (char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '_' || (c == '.' && !out.empty());
    out += plain ? c : '-';
  }
  return out.empty() ? "run" : out.substr(0, 60);
}

}  // namespace gabor
