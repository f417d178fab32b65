#include "core/text.h"

#include <gtest/gtest.h>

#include <cmath>

namespace gabor {
namespace {

TEST(Text, EditDistance) {
  EXPECT_EQ(edit_distance("stride", "stride"), 0);
  EXPECT_EQ(edit_distance("", "abc"), 3);
  EXPECT_EQ(edit_distance("strde", "stride"), 1);
  EXPECT_EQ(edit_distance("stirde", "stride"), 1);  // neighbours swapped
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3);
}

TEST(Text, NearestWord) {
  const std::vector<std::string> known = {"filters", "kernel", "stride", "padding", "maxpool2d"};
  EXPECT_EQ(nearest("strides", known), "stride");
  EXPECT_EQ(nearest("kernal", known), "kernel");
  EXPECT_EQ(nearest("maxpool", known), "maxpool2d");                             // the beginning of a word
  EXPECT_EQ(nearest("cpu/onednm", {"cpu/direct", "cpu/onednn"}), "cpu/onednn");  // both begin alike
  EXPECT_EQ(nearest("zzzzzz", known), "");
  EXPECT_EQ(suggestion("strid", known), "; did you mean 'stride'?");
  EXPECT_EQ(suggestion("zzzzzz", {"a", "b"}), "; known: a, b");
  EXPECT_EQ(suggestion("x", {}), "");
}

TEST(Text, SplitAndJoin) {
  EXPECT_EQ(split("a,b,,c", ','), (std::vector<std::string>{"a", "b", "", "c"}));
  EXPECT_EQ(split("", ','), (std::vector<std::string>{""}));
  EXPECT_EQ(join({"a", "b", "c"}, ", "), "a, b, c");
  EXPECT_EQ(join({}, ", "), "");
}

TEST(Text, PrintableKeepsLettersAndShowsControls) {
  EXPECT_EQ(printable("cat\x1b[31m\n"), "cat\\x1b[31m\\x0a");
  EXPECT_EQ(printable("K\xc3\xa4tzchen \x7f"), "K\xc3\xa4tzchen \\x7f");
}

TEST(Text, Quantities) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(1023), "1023 B");
  EXPECT_EQ(human_bytes(1536), "1.50 KiB");
  EXPECT_EQ(human_bytes(20.0 * 1024 * 1024), "20.0 MiB");
  EXPECT_EQ(human_seconds(4.25), "4.2 s");
  EXPECT_EQ(human_seconds(123), "2 min 03 s");
  EXPECT_EQ(human_seconds(3725), "1 h 02 min");
  EXPECT_EQ(human_seconds(NAN), "?");
  EXPECT_EQ(human_seconds(-1), "?");
  EXPECT_EQ(with_commas(438842), "438,842");
  EXPECT_EQ(with_commas(999), "999");
  EXPECT_EQ(with_commas(-1234567), "-1,234,567");
}

}  // namespace
}  // namespace gabor
