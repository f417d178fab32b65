// Models by name (src/model/zoo/*.toml, embedded at build time) or by file.
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/error.h"
#include "core/text.h"
#include "model/graph.h"
#include "model/zoo_files.h"  // made by CMake: kZoo[] of {name, text}

namespace gabor {
namespace {

// Says what a file is when it is no model file.
std::string foreign_kind(const std::string& head) {
  auto starts = [&](std::string_view magic) { return head.compare(0, magic.size(), magic) == 0; };
  if (starts("\xff\xd8\xff") || starts("\x89PNG") || starts("BM") || starts("RIFF") || starts("GIF8"))
    return "a picture";
  if (head.size() > 9 && head[8] == '{' && head[7] == 0) return "a safetensors checkpoint";
  if (head.find('\0') != std::string::npos) return "a binary file";
  return "";
}

}  // namespace

std::vector<std::string> zoo_names() {
  std::vector<std::string> out;
  for (const auto& z : kZoo) out.emplace_back(z.name);
  return out;
}

Graph find_model(const std::string& name) {
  for (const auto& z : kZoo)
    if (name == z.name) return parse_model(z.text, "zoo:" + name);
  namespace fs = std::filesystem;
  const std::string shown = printable(name);
  std::error_code ec;
  const fs::file_status status = fs::status(name, ec);
  if (!fs::exists(status)) {
    if (name.find('/') != std::string::npos || name.ends_with(".toml"))
      fail(ErrorCode::usage, shown, "no such model file");
    fail(ErrorCode::usage, "--model", "unknown model '{}'{} (or give the path of a .toml file)", shown,
         suggestion(name, zoo_names()));
  }
  if (!fs::is_regular_file(status))
    fail(ErrorCode::usage, shown, "is not a file; a model is a .toml file or one of: {}",
         join(zoo_names(), ", "));
  std::ifstream file(name, std::ios::binary);
  std::string head(512, '\0');
  file.read(head.data(), std::streamsize(head.size()));
  head.resize(size_t(file.gcount()));
  if (const std::string kind = foreign_kind(head); !kind.empty())
    fail(ErrorCode::usage, shown, "is {}, not a model file; a model is a .toml file or one of: {}", kind,
         join(zoo_names(), ", "));
  file.clear();
  file.seekg(0);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) fail(ErrorCode::usage, shown, "cannot be read");
  return parse_model(text.str(), shown);
}

}  // namespace gabor
