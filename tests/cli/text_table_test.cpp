#include "cli/text_table.h"

#include <gtest/gtest.h>

namespace gabor {
namespace {

constexpr auto kLeft = TextTable::Align::left, kRight = TextTable::Align::right;

TEST(TextTable, ColumnsAreAsWideAsTheirWidestCell) {
  TextTable table({kLeft, kRight, kLeft});
  table.row({"name", "n", "what"});
  table.row({"a name longer than its heading", "12345.67", "x"});
  table.row({"b", "1", "a longer end"});
  EXPECT_EQ(table.text(),
            "name                                   n  what\n"
            "a name longer than its heading  12345.67  x\n"
            "b                                      1  a longer end\n");
}

TEST(TextTable, LinesAndRowsThatAreNotFullWidenNothing) {
  TextTable table({kLeft, kRight, kRight});
  table.line("a whole line between the rows");
  table.row({"ab", "a reason that is long"});
  table.row({"c", "1", ""});
  EXPECT_EQ(table.text(),
            "a whole line between the rows\n"
            "ab  a reason that is long\n"
            "c   1\n");
}

}  // namespace
}  // namespace gabor
