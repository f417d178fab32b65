#pragma once
#include <string>

namespace gabor {

// Where run folders go that are not asked for by name.
constexpr const char* kRunsFolder = "runs";

// The folder that a run writes to. Made at once, so that two runs never share one; taken away again by the
// destructor if nothing was put in.
class RunFolder {
 public:
  // wanted: --out, or "" for runs/NAME-1, -2, ... : the first that does not exist. Throws Error{usage} when
  // wanted exists and is not empty, Error{checkpoint} when it cannot be made or written to.
  RunFolder(const std::string& wanted, const std::string& name);
  // An existing run, to go on with. Throws Error{checkpoint} when it holds no last.safetensors.
  static RunFolder existing(const std::string& path);

  RunFolder(RunFolder&& other) noexcept;
  ~RunFolder();
  const std::string& path() const { return path_; }

 private:
  RunFolder() = default;
  std::string path_;
  bool made_here_ = false, made_parent_ = false;
};

// A folder for files that nobody needs afterwards.
class ScratchFolder {
 public:
  ScratchFolder();  // throws Error{data}
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// A name that is safe as part of a path: letters, digits, '.', '_', '-'; others become '-'.
std::string path_name(const std::string& text);

}  // namespace gabor
