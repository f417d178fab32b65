#include "arch/rules.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <sstream>

namespace gabor::arch {
namespace {

namespace fs = std::filesystem;
using Prefixes = std::vector<std::string>;

// Folder -> what it may include besides itself, as beginnings of include paths. A folder that is not here is
// an error: a new one gets its line, and its arrows, on purpose.
const std::map<std::string, Prefixes> kArrows = {
    {"include/gabor", {}},
    {"src/core", {"gabor/"}},
    {"src/device", {"gabor/", "core/"}},
    {"src/ops", {"gabor/", "core/", "device/"}},
    {"src/backends/reference", {"gabor/", "core/", "device/", "ops/"}},
    {"src/backends/cpu", {"gabor/", "core/", "device/", "ops/"}},
    {"src/backends/cuda", {"gabor/", "core/", "device/", "ops/", "kernels/"}},
    {"src/backends/cudnn", {"gabor/", "core/", "device/", "ops/"}},
    {"src/backends/own", {"gabor/", "core/", "device/", "ops/", "kernels/own/"}},
    {"src/backends", {"gabor/", "core/", "device/", "ops/", "backends/"}},  // the one list of backends
    {"src/duel", {"gabor/", "core/", "device/", "ops/"}},
    {"src/tune", {"gabor/", "core/", "device/", "ops/", "duel/"}},
    {"src/layers", {"gabor/", "core/", "device/", "ops/"}},
    {"src/optim", {"gabor/", "core/", "device/", "ops/"}},
    {"src/model", {"gabor/", "core/", "device/", "ops/", "layers/"}},
    {"src/data", {"gabor/", "core/", "device/"}},
    {"src/train", {"gabor/", "core/", "device/", "ops/", "model/", "optim/", "data/"}},
    {"src/report", {"gabor/", "core/", "device/", "ops/", "duel/", "model/", "train/"}},
    {"src/api",
     {"gabor/", "core/", "device/", "ops/", "backends/all.h", "layers/", "model/", "optim/", "data/",
      "train/"}},
    {"src/cli",
     {"gabor/", "core/", "device/", "ops/", "duel/", "tune/", "backends/all.h", "layers/", "model/", "optim/",
      "data/", "train/", "report/"}},
    {"src/api",
     {"gabor/", "core/", "device/", "ops/", "backends/all.h", "model/", "optim/", "data/", "train/"}},
    {"kernels", {"core/problem/", "core/half.h"}},
    {"tools/gabor", {"gabor/", "cli/"}},
    {"tools/my_kernel", {"kernels/own/kernel.h"}},
};

// Beginning of an include path -> the only folders that may use it, besides tests.
const std::vector<std::pair<std::string, Prefixes>> kThirdParty = {
    {"opencv2/", {"src/data/", "tools/bench/loader/"}},
    {"jpeglib.h", {"src/data/", "tools/bench/loader/"}},
    {"zlib.h", {"src/data/"}},
    {"dnnl", {"src/backends/cpu/"}},
    {"oneapi/dnnl", {"src/backends/cpu/"}},
    {"hwy/", {"src/backends/cpu/", "src/data/"}},
    {"omp.h", {"src/core/parallel.cpp", "src/backends/cpu/", "tools/bench/"}},
    {"CLI/", {"src/cli/", "tools/bench/"}},
    {"toml", {"src/model/"}},
    {"cudnn", {"src/backends/cudnn/"}},
    {"cudnn_frontend", {"src/backends/cudnn/graph_conv2d.cpp"}},  // half a minute to compile
    {"cublas", {"src/backends/cudnn/"}},
    {"cuda", {"src/backends/cuda/", "src/device/", "kernels/simt/"}},
    {"gtest/", {}},
    {"gmock/", {}},
    {"benchmark/", {"tools/bench/"}},
};

bool starts_with_any(const std::string& s, const Prefixes& prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(), [&](const auto& p) { return s.starts_with(p); });
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

struct Include {
  int line;
  std::string path;
  bool angle;  // <path>, not "path"
};

std::vector<Include> includes_of(const SourceFile& file) {
  static const std::regex pattern(R"(^\s*#\s*include\s*([<"])([^>"]+)[>"])");
  std::vector<Include> found;
  int number = 0;
  for (const std::string& line : lines_of(file.text)) {
    ++number;
    std::smatch m;
    if (std::regex_search(line, m, pattern)) found.push_back({number, m[2], m[1] == "<"});
  }
  return found;
}

// The deepest folder of the table that the file is in; "" if none.
std::string folder_of(const std::string& path) {
  for (fs::path p = fs::path(path).parent_path(); !p.empty(); p = p.parent_path())
    if (kArrows.contains(p.string())) return p.string();
  return "";
}

// How files of a folder are named in includes: "src/core" -> "core/", "include/gabor" -> "gabor/".
std::string include_prefix(const std::string& folder) {
  for (const char* root : {"src/", "include/"})
    if (folder.starts_with(root)) return folder.substr(std::string(root).size()) + "/";
  return folder + "/";
}

// Whether an include path names a file of gabor and not of a library.
bool is_ours(const std::string& path) {
  return std::any_of(kArrows.begin(), kArrows.end(),
                     [&](const auto& arrow) { return path.starts_with(include_prefix(arrow.first)); });
}

std::string at(const SourceFile& file, int line, const std::string& what) {
  return file.path + ":" + std::to_string(line) + ": " + what;
}

// Where the comment or literal that starts at `at` ends (one past it); `at` itself if none starts there.
size_t end_of_skipped(const std::string& text, size_t at) {
  const auto after = [&](const std::string& closing, size_t from) {
    const size_t found = text.find(closing, from);
    return found == std::string::npos ? text.size() : found + closing.size();
  };
  if (text.compare(at, 2, "//") == 0) return std::min(text.find('\n', at), text.size());
  if (text.compare(at, 2, "/*") == 0) return after("*/", at + 2);
  if (text.compare(at, 2, "R\"") == 0) {
    const size_t open = text.find('(', at);
    return after(")" + text.substr(at + 2, open - at - 2) + "\"", open);
  }
  const bool digit_separator =
      text[at] == '\'' && at > 0 && std::isxdigit(static_cast<unsigned char>(text[at - 1]));
  if (text[at] != '"' && (text[at] != '\'' || digit_separator)) return at;
  size_t end = at + 1;
  while (end < text.size() && text[end] != text[at]) end += text[end] == '\\' ? 2 : 1;
  return std::min(end + 1, text.size());
}

// The text without comments, string and character literals; newlines kept.
std::string code_of(const std::string& text) {
  std::string code;
  for (size_t i = 0; i < text.size();) {
    const size_t end = end_of_skipped(text, i);
    if (end == i) {
      code += text[i++];
      continue;
    }
    code.append(std::count(text.begin() + i, text.begin() + end, '\n'), '\n');
    i = end;
  }
  return code;
}

}  // namespace

std::vector<SourceFile> read_tree(const std::string& root) {
  static const Prefixes extensions = {".h", ".cpp", ".cu", ".cuh"};
  std::vector<SourceFile> files;
  for (const char* top : {"src", "include", "kernels", "tests", "tools"}) {
    if (!fs::exists(fs::path(root) / top)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(root) / top)) {
      const std::string extension = entry.path().extension().string();
      if (std::find(extensions.begin(), extensions.end(), extension) == extensions.end()) continue;
      std::ifstream in(entry.path(), std::ios::binary);
      files.push_back({fs::relative(entry.path(), root).generic_string(),
                       std::string(std::istreambuf_iterator<char>(in), {})});
    }
  }
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  return files;
}

Violations check_arrows(const SourceFile& file) {
  if (file.path.starts_with("tests/") || file.path.starts_with("tools/bench/")) return {};
  const std::string folder = folder_of(file.path);
  if (folder.empty())
    return {at(file, 1, "its folder has no line in the table of arrows (tests/arch/rules.cpp)")};

  Violations wrong;
  for (const Include& include : includes_of(file)) {
    if (!include.angle && include.path.find('/') == std::string::npos)
      wrong.push_back(at(file, include.line, include.path + " is not written as a path from src/"));
    const bool same_folder = include.path.starts_with(include_prefix(folder));
    if (is_ours(include.path) && !same_folder && !starts_with_any(include.path, kArrows.at(folder)))
      wrong.push_back(at(file, include.line, folder + " must not include " + include.path));
  }
  return wrong;
}

Violations check_third_party(const SourceFile& file) {
  static const std::regex standard_header("[a-z_0-9]+");
  if (file.path.starts_with("tests/")) return {};
  Violations wrong;
  for (const Include& include : includes_of(file)) {
    for (const auto& [library, folders] : kThirdParty)
      if (include.path.starts_with(library) && !starts_with_any(file.path, folders)) {
        wrong.push_back(at(file, include.line, include.path + " is not for this folder"));
        break;
      }
    const bool is_public = file.path.starts_with("include/");
    if (is_public && !include.path.starts_with("gabor/") && !std::regex_match(include.path, standard_header))
      wrong.push_back(at(file, include.line, "a public header includes " + include.path));
  }
  return wrong;
}

Violations check_silence(const SourceFile& file) {
  const bool library = file.path.starts_with("src/") || file.path.starts_with("include/");
  if (!library || file.path.starts_with("src/cli/")) return {};
  static const std::regex noise(
      R"(\bstd::(cout|cerr|clog)\b|\bv?printf\s*\(|\bfprintf\s*\(\s*std(out|err)\b|\b(exit|abort|terminate)\s*\(|\bfmt::print\s*\(\s*std|\bthread_local\b)");
  Violations wrong;
  int number = 0;
  for (const std::string& line : lines_of(code_of(file.text))) {
    ++number;
    std::smatch m;
    if (std::regex_search(line, m, noise))
      wrong.push_back(at(file, number, "the library must not use " + m.str()));
  }
  return wrong;
}

Violations check_shape(const SourceFile& file) {
  Violations wrong;
  const auto lines = lines_of(file.text);
  const size_t limit = file.path.starts_with("kernels/")      ? 250
                       : file.path.starts_with("src/layers/") ? 150
                                                              : 500;
  if (lines.size() > limit)
    wrong.push_back(
        at(file, int(limit + 1),
           "has " + std::to_string(lines.size()) + " lines; the limit is " + std::to_string(limit)));

  static const std::regex vague("(utils?|helpers?|misc|stuff)(_test)?");
  for (const fs::path& part : fs::path(file.path))
    if (std::regex_match(part.stem().string(), vague))
      wrong.push_back(at(file, 1, "the name " + part.stem().string() + " does not say what is inside"));

  for (size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].find('\t') != std::string::npos) wrong.push_back(at(file, int(i + 1), "has a tab"));
    if (lines[i].ends_with('\r')) wrong.push_back(at(file, int(i + 1), "ends with CR LF"));
  }
  return wrong;
}

}  // namespace gabor::arch
