#include "cli/text_table.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"

namespace gabor {
namespace {
constexpr const char* kBetween = "  ";
}

void TextTable::row(std::vector<std::string> cells) {
  GABOR_CHECK(!cells.empty() && cells.size() <= columns_.size());
  lines_.push_back({std::move(cells), false});
}

void TextTable::line(std::string text) { lines_.push_back({{std::move(text)}, true}); }

std::string TextTable::text() const {
  std::vector<size_t> widths(columns_.size());
  for (const Line& line : lines_) {
    const size_t own = line.whole ? 0 : line.cells.size() - (line.cells.size() < columns_.size());
    for (size_t i = 0; i < own; i++) widths[i] = std::max(widths[i], line.cells[i].size());
  }
  std::string out;
  for (const Line& line : lines_) {
    for (size_t i = 0; i < line.cells.size(); i++) {
      const size_t width = line.whole ? 0 : widths[i];
      out += i ? kBetween : "";
      if (line.cells.size() < columns_.size() && i + 1 == line.cells.size())
        out += line.cells[i];
      else
        out += columns_[i] == Align::left ? fmt::format("{:<{}}", line.cells[i], width)
                                          : fmt::format("{:>{}}", line.cells[i], width);
    }
    while (out.ends_with(' ')) out.pop_back();
    out += '\n';
  }
  return out;
}

}  // namespace gabor
