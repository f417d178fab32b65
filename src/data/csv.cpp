// A CSV of path,label (RFC 4180: quoted fields may hold commas, quotes doubled, and line ends).
#include <algorithm>
#include <cctype>
#include <filesystem>
#include <set>
#include <utility>

#include "core/error.h"
#include "core/text.h"
#include "data/file.h"
#include "data/fingerprint.h"
#include "data/source.h"

namespace gabor {
namespace {

constexpr uint64_t kMaxBytes = 256 << 20;

struct Row {
  std::vector<std::string> fields{};
  int line = 0;
};

std::vector<Row> parse(const std::string& text, const std::string& where) {
  std::vector<Row> rows;
  size_t at = text.starts_with("\xEF\xBB\xBF") ? 3 : 0;  // a byte order mark, as spreadsheets write it
  int line = 1;
  while (at < text.size()) {
    Row row{.line = line};
    bool more = true;
    while (more) {
      std::string field;
      if (at < text.size() && text[at] == '"') {
        for (at++;; at++) {
          if (at >= text.size()) fail(ErrorCode::data, where, "line {}: a quote is not closed", row.line);
          if (text[at] == '\n') line++;
          if (text[at] == '"' && text[++at] != '"') break;  // text[size()] is '\0'
          field += text[at];
        }
      } else {
        const size_t end = std::min(text.find_first_of(",\r\n", at), text.size());
        field = text.substr(at, end - at);
        at = end;
      }
      row.fields.push_back(std::move(field));
      more = at < text.size() && text[at] == ',';
      if (more) at++;
    }
    if (at < text.size() && text[at] == '\r') at++;
    if (at < text.size() && text[at] != '\n')
      fail(ErrorCode::data, where, "line {}: text after a closing quote", row.line);
    at++, line++;
    if (row.fields.size() > 1 || !row.fields[0].empty()) rows.push_back(std::move(row));
  }
  return rows;
}

std::string lower(std::string text) {
  for (char& c : text) c = char(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

// The column with one of these headings, or -1.
int column(const Row& row, std::initializer_list<const char*> names) {
  for (size_t i = 0; i < row.fields.size(); i++)
    for (const char* name : names)
      if (lower(row.fields[i]) == name) return int(i);
  return -1;
}

}  // namespace

Source open_csv(const std::string& path) {
  const std::string where = printable(path);
  const std::vector<uint8_t> bytes = read_file(path, kMaxBytes);
  std::vector<Row> rows = parse({bytes.begin(), bytes.end()}, where);
  size_t path_column = 0, label_column = 1;
  if (!rows.empty()) {
    const int p = column(rows[0], {"path", "file", "filename", "image"}),
              l = column(rows[0], {"label", "class"});
    if (p >= 0 && l >= 0) {
      path_column = size_t(p), label_column = size_t(l);
      rows.erase(rows.begin());
    }
  }
  if (rows.empty()) fail(ErrorCode::data, where, "lists no pictures; expected lines of path,label");

  std::vector<std::string> names;
  std::set<std::string> class_names;
  for (const Row& row : rows) {
    if (row.fields.size() <= std::max(path_column, label_column) ||
        (path_column + label_column == 1 && row.fields.size() != 2))
      fail(ErrorCode::data, where, "line {}: {} fields, expected path,label", row.line, row.fields.size());
    if (row.fields[path_column].empty() || row.fields[label_column].empty())
      fail(ErrorCode::data, where, "line {}: an empty field, expected path,label", row.line);
    names.push_back(row.fields[path_column]);
    class_names.insert(row.fields[label_column]);
  }
  std::vector<std::string> classes(class_names.begin(), class_names.end());
  std::vector<LabelledFile> labelled;
  Fingerprint print;
  for (size_t i = 0; i < rows.size(); i++) {
    const std::string& label = rows[i].fields[label_column];
    const auto at = std::lower_bound(classes.begin(), classes.end(), label);
    labelled.push_back({uint32_t(i), int32_t(at - classes.begin())});
    print.add(names[i]);
    print.add(label);
  }
  const std::string base = std::filesystem::path(path).parent_path().string();
  Source source{.part = std::vector<Part>(rows.size(), Part::unsplit), .fingerprint = print.value()};
  source.dataset =
      make_file_dataset(open_list(base, std::move(names)), std::move(labelled), std::move(classes));
  return source;
}

}  // namespace gabor
