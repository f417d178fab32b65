#pragma once
#include <string>
#include <vector>

namespace gabor {

// Rows of cells in columns that are each as wide as their widest cell; whole lines may stand between the rows.
class TextTable {
 public:
  enum class Align : unsigned char { left, right };
  explicit TextTable(std::vector<Align> columns) : columns_(std::move(columns)) {}

  // Cells of the first columns. In a row that is not full, the last cell may reach over the columns that are left: it
  // widens none.
  void row(std::vector<std::string> cells);
  void line(std::string text);  // as it is
  std::string text() const;     // every line ends in '\n', none in a space

 private:
  struct Line {
    std::vector<std::string> cells;
    bool whole = false;
  };
  std::vector<Align> columns_;
  std::vector<Line> lines_;
};

}  // namespace gabor
