#include "cli/output_file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "core/error.h"
#include "core/text.h"
#include "train/safetensors.h"

namespace gabor {

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
