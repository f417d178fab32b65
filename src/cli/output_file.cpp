#include "cli/output_file.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "core/error.h"
#include "core/text.h"
#include "train/safetensors.h"

namespace gabor {

bool is_within(const std::filesystem::path& path, const std::string& folder) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (folder.empty() || !fs::is_directory(folder, error)) return false;
  const fs::path inner = fs::weakly_canonical(fs::absolute(path, error), error);
  const fs::path outer = fs::canonical(folder, error);
  return std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end()).first == outer.end();
}

void check_outside_data(const std::string& option, const std::string& path,
                        const std::vector<std::string>& data) {
  if (path.empty() || path == "-") return;
  for (const std::string& folder : data)
    if (is_within(path, folder))
      fail(ErrorCode::usage, option,
           "{} is within the data set {}, which is only read; choose another folder", printable(path),
           printable(folder));
}

void check_writable(const std::string& option, const std::string& path) {
  if (path.empty() || path == "-") return;
  std::error_code error;
  const bool there = std::filesystem::exists(path, error);
  std::FILE* file = std::fopen(path.c_str(), "ab");
  if (!file)
    fail(ErrorCode::usage, option, "{} cannot be written: {}", printable(path), std::strerror(errno));
  std::fclose(file);
  if (!there) std::filesystem::remove(path, error);
}

void write_text(const std::string& path, const std::string& text) {
  write_atomically(path, {reinterpret_cast<const uint8_t*>(text.data()), text.size()});
}

}  // namespace gabor
