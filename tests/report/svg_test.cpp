#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "report/html_text.h"
#include "report/svg_chart.h"
#include "report/svg_grid.h"

namespace gabor {
namespace {

size_t count(const std::string& text, const std::string& what) {
  size_t n = 0;
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += what.size()) n++;
  return n;
}

TEST(RoundTicks, AreRoundAndWithinTheRange) {
  EXPECT_EQ(round_ticks(0, 1, 5), (std::vector<double>{0, 0.2, 0.4, 0.6000000000000001, 0.8, 1}));
  EXPECT_EQ(round_ticks(1, 10, 8), (std::vector<double>{2, 4, 6, 8, 10}));
  for (const auto& [low, high] : {std::pair{0.013, 0.92}, {1e-6, 3e-6}, {-5.0, 1234.0}, {0.0, 1e-300}})
    for (double t : round_ticks(low, high, 5)) EXPECT_TRUE(t >= low - 1e-12 && t <= high + 1e-9) << t;
  EXPECT_LE(round_ticks(6286744750408.648, 6286744750408.65, 5).size(), 7u);
}

TEST(LineChart, DrawsACurveWithAGapWhereAValueIsMissing) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::string svg =
      line_chart("Loss", {1, 2, 3, 4}, {{"training", "train", {4, 3, nan, 1}}, {"none", "val", {}}});
  EXPECT_EQ(count(svg, "<circle"), 3u);
  EXPECT_EQ(count(svg, "<path"), 1u) << "a curve without values is not drawn";
  const size_t path = svg.find("d=\"M");
  ASSERT_NE(path, std::string::npos);
  EXPECT_EQ(count(svg.substr(path, svg.find('"', path + 3) - path), "M"), 2u) << "the pen is lifted once";
  EXPECT_EQ(svg.find("nan"), std::string::npos);
}

TEST(LineChart, HigherValuesAreHigherUp) {
  const std::string svg = line_chart("A", {1, 2}, {{"a", "train", {0.25, 0.75}}}, 0, 1);
  const auto cy = [&](size_t n) {
    size_t at = svg.find("cy=\"");
    while (n--) at = svg.find("cy=\"", at + 1);
    return std::stod(svg.substr(at + 4));
  };
  EXPECT_GT(cy(0), cy(1));
}

TEST(ConfusionMatrix, HasACellForEachPairAndEscapesNames) {
  EvalResult r;
  r.classes = 2, r.samples = 10;
  r.confusion = {7, 1, 0, 2};
  const std::string svg = confusion_matrix(r, {"<cat>", "dog"});
  EXPECT_EQ(count(svg, "<rect"), 4u);
  EXPECT_EQ(count(svg, "class=\"right\""), 2u);
  EXPECT_NE(svg.find("fill-opacity=\"0.875\""), std::string::npos) << "7 of 8";
  EXPECT_EQ(svg.find("<cat>"), std::string::npos);
  EXPECT_NE(svg.find("&lt;cat&gt; taken for dog: 1 (12.5 %)"), std::string::npos);
}

TEST(ConfusionMatrix, OfManyClassesSkipsEmptyCells) {
  EvalResult r;
  r.classes = 100;
  r.confusion.assign(10000, 0);
  for (size_t k = 0; k < 100; k++) r.confusion[k * 101] = 5;
  r.confusion[17] = 1;
  EXPECT_EQ(count(confusion_matrix(r, std::vector<std::string>(100, "c")), "<rect"), 101u);
}

TEST(FilterTiles, ScaleEachFilterByItsLargestWeight) {
  const std::vector<float> w = {0, 0.5f, -0.5f, 0.25f, 0, 2, -2, 0};  // K 2, R 2, S 2, C 1
  const std::string svg = filter_tiles({w.data(), {2, 2, 2, 1}, DType::f32});
  EXPECT_EQ(count(svg, "<rect"), 8u);
  EXPECT_EQ(count(svg, "#ffffff"), 2u);  // 0.5 and 2 are the largest of their filters
  EXPECT_EQ(count(svg, "#000000"), 2u);
  EXPECT_EQ(count(svg, "#808080"), 3u);
  const std::vector<float> rgb = {1, 0, -1};
  EXPECT_NE(filter_tiles({rgb.data(), {1, 1, 1, 3}, DType::f32}).find("#ff8000"), std::string::npos);
}

TEST(HtmlText, EscapesMarkupControlAndBrokenUtf8) {
  EXPECT_EQ(html_escape("a<b>&\"'"), "a&lt;b&gt;&amp;&quot;&#39;");
  EXPECT_EQ(html_escape("K\xc3\xa4tzchen \xf0\x9f\x90\xb1"), "K\xc3\xa4tzchen \xf0\x9f\x90\xb1");
  EXPECT_EQ(html_escape("\x1b[2J\x7f"), "\\x1b[2J\\x7f");
  EXPECT_EQ(html_escape("\xff\xc3 \xc0\xaf \xed\xa0\x80"), "\\xff\\xc3 \\xc0\\xaf \\xed\\xa0\\x80");
  EXPECT_EQ(html_escape("cut \xe2\x82"), "cut \\xe2\\x82");
}

TEST(Shorten, NeverCutsWithinACharacter) {
  EXPECT_EQ(shorten("short", 5), "short");
  EXPECT_EQ(shorten("abc\xc3\xa4zzz", 4), "abc...");
}

}  // namespace
}  // namespace gabor
