#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "cli/duel_output.h"
#include "duel/problem_text.h"
#include "report/duel_report.h"
#include "report/svg_duel.h"

namespace gabor {
namespace {

size_t count(const std::string& text, const std::string& what) {
  size_t n = 0;
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += what.size()) n++;
  return n;
}

DuelRecord record(size_t problem, const std::string& candidate, double median, double ratio) {
  DuelRecord r;
  r.problem = problem, r.candidate = candidate, r.device = "CPU";
  r.seconds = {median, median}, r.median = median, r.interval = {median, median, 0.5};
  r.flops = 1e9, r.bytes = 1e8, r.ratio = r.ratio_any = ratio, r.distinct = true;
  return r;
}

Duel small_duel() {
  Duel d;
  d.baseline = "lib";
  d.problems = {{.tag = "net", .name = "net conv", .problem = parse_conv2d("N=1 H=4 W=4 C=1 K=1 R=1 S=1")}};
  d.problems[0].scaled_from = "N=64";
  d.roofs = {{"CPU", 2e10, {{"fp32", 1e11}}}};
  d.records = {record(0, "ours", 0.1, 2), record(0, "lib", 0.2, 1), record(0, "third", 0.8, 0.25)};
  d.records[2].score = {7, 3, "y[0] is 7, expected 1 +- 1"};
  return d;
}

TEST(DuelHtml, EscapesEveryNameAndIsSelfContained) {
  const std::string evil = "\"><script>alert(1)</script>&\x1b\xff";
  Duel d = small_duel();
  d.baseline = evil, d.roofs[0].device = evil;
  d.roofs[0].flops[evil] = 1e10;
  d.problems[0].name = d.problems[0].tag = d.problems[0].scaled_from = evil;
  for (DuelRecord& r : d.records) {
    r.candidate = r.kernel = r.device = r.traits.math = r.traits.layout = evil;
    r.score.fault = evil;
  }
  d.records.push_back(record(0, evil, 1, 1));
  d.records.back().unsupported = evil;
  const std::string page = duel_html({&d, evil, evil, {{evil, evil}}, {evil}});
  for (const char* bad : {"<script", "\x1b", "\xff", "http://", "https://"})
    EXPECT_EQ(page.find(bad), std::string::npos) << bad;
  EXPECT_EQ(page.find("\"><script"), std::string::npos);
  for (const char* tag : {"svg", "table", "tr", "td", "p", "div", "h3", "text", "rect", "circle", "title"})
    EXPECT_EQ(count(page, std::string("</") + tag + ">") +
                  (std::string(tag) == "rect" ? count(page, "height=\"10\"/>") : 0),
              count(page, std::string("<") + tag + " ") + count(page, std::string("<") + tag + ">"))
        << tag;
}

TEST(DuelHtml, SaysWhatWasScaledWhatIsWrongAndHowToRepeatIt) {
  const Duel d = small_duel();
  const std::string page = duel_html({&d, "net", "gabor duel net", {{"cpu", "a fast one"}}, {"it was busy"}});
  for (const char* text :
       {"scaled down from N=64", "y[0] is 7, expected 1 +- 1", "gabor duel net", "a fast one", "it was busy",
        "20.0 GB/s", "100 GFLOP/s", "<td class=\"n\">2.00</td>"})
    EXPECT_NE(page.find(text), std::string::npos) << text;
}

TEST(DuelText, MarksWhatIsWrong) {
  Duel d = small_duel();
  d.records[2].score.max = std::numeric_limits<double>::infinity();
  EXPECT_FALSE(d.right());
  const DuelReport report{&d, "net", "gabor duel net", {{"cpu", "a fast one"}}, {"it was busy"}};
  const std::string text = duel_text(report);
  for (const char* part : {"  WRONG  ", "\n       y[0] is 7, expected 1 +- 1\n", "\nnote: it was busy\n"})
    EXPECT_NE(text.find(part), std::string::npos) << part;
  const auto j = nlohmann::json::parse(duel_json(report).dump());
  EXPECT_EQ(j["records"][2]["error"]["right"], false);
  EXPECT_EQ(j["records"][2]["error"]["fault"], "y[0] is 7, expected 1 +- 1");
  EXPECT_TRUE(j["records"][2]["error"]["max"].is_null()) << "JSON has no infinity";
  EXPECT_EQ(j["records"][0]["error"]["right"], true);
}

TEST(DuelText, ColumnsStayUnderTheirHeadingsWhateverTheyHold) {
  Duel d = small_duel();
  d.records[0].candidate = "a backend/with a kernel of a name longer than most";
  d.records[0].ratio = 123456.78, d.records[0].roof_share = 12.345, d.records[1].median = 9.999e-7;
  const std::string text = duel_text({&d, "net", "gabor duel net", {}, {}});
  const auto line_with = [&](const std::string& part) {
    const size_t at = text.find(part), begin = text.rfind('\n', at) + 1;
    return text.substr(begin, text.find('\n', at) - begin);
  };
  const std::string heading = line_with("candidate"), longest = line_with(d.records[0].candidate),
                    other = line_with("0.9999 us");
  for (const char* column : {" median", " GB/s", " roof", " workspace", " ratio"}) {
    const size_t end = heading.find(column) + std::string(column).size();
    for (const std::string& row : {longest, other}) {
      EXPECT_NE(row[end - 1], ' ') << column << " of\n" << row << "\nunder\n" << heading;
      EXPECT_EQ(row[end], ' ') << column << " of\n" << row << "\nunder\n" << heading;
    }
  }
  EXPECT_EQ(line_with("geometric").find("geometric"), 0u);
  EXPECT_EQ(line_with("class  ").size(), line_with("1x1  ").size());
}

// Start and length of the n-th bar of a colour.
std::pair<double, double> bar(const std::string& svg, const std::string& css) {
  const size_t at = svg.find("<rect class=\"" + css + "\" x=\"", svg.find("class=\"axis\""));
  const size_t x = svg.find("x=\"", at), width = svg.find("width=\"", at);
  return {std::stod(svg.substr(x + 3)), std::stod(svg.substr(width + 7))};
}

TEST(RatioChart, FasterGoesRightAndTwiceIsAsFarAsHalf) {
  Duel d = small_duel();
  d.records[2].ratio = 0.5;
  const std::string svg = ratio_chart(d, ProblemClass::pointwise);
  const auto faster = bar(svg, "s0"), equal = bar(svg, "s1"), slower = bar(svg, "s2");
  EXPECT_NEAR(faster.first, equal.first, 0.2);
  EXPECT_NEAR(slower.first + slower.second, equal.first, 0.2);
  EXPECT_NEAR(faster.second, slower.second, 0.2);
  EXPECT_EQ(ratio_chart(d, ProblemClass::pooling), "") << "nothing to draw";
  for (DuelRecord& r : d.records)
    if (r.candidate != d.records[0].candidate) r.ratio = 0;
  EXPECT_EQ(ratio_chart(d, ProblemClass::pointwise), "") << "nothing to compare";
}

TEST(RooflineChart, HasADotForEachThatRanAndALineForEachRoof) {
  Duel d = small_duel();
  d.records[1].unsupported = "no";
  const std::string svg = roofline_chart(d);
  EXPECT_EQ(count(svg, "<circle"), 2u);
  EXPECT_EQ(count(svg, "<path class=\"roof\""), 1u);
  EXPECT_EQ(svg.find("nan"), std::string::npos);
  EXPECT_EQ(svg.find("inf"), std::string::npos);
}

TEST(MeansTable, HasARowForEachClassAndPass) {
  Duel d = small_duel();
  d.records.push_back(record(0, "ours", 1, 8));
  d.records.push_back(record(0, "lib", 1, 3));
  d.records.back().pass = Pass::wgrad;
  d.records.push_back(record(0, "reference", 1, 0));
  const std::vector<std::vector<std::string>> want = {{"class", "pass", "ours", "lib", "third"},
                                                      {"1x1", "fprop", "4.00 (2)", "1.00 (1)", "0.25 (1)"},
                                                      {"1x1", "wgrad", "", "3.00 (1)", ""}};
  EXPECT_EQ(means_table(d), want);
}

TEST(BlocksTable, AddsUpTheParts) {
  Duel d;
  const auto add = [&](const char* text, Pass pass, const char* candidate, double median) {
    d.problems.push_back({.name = text, .problem = parse_problem(text)});
    d.records.push_back(record(d.problems.size() - 1, candidate, median, 0));
    d.records.back().pass = pass;
  };
  add("first_block f32 N=1 H=6 W=6 C=1 K=2 R=3 S=3", Pass::fprop, "ours", 0.5);
  add("first_block f32 N=1 H=6 W=6 C=1 K=2 R=3 S=3", Pass::wgrad, "ours", 2);
  add("N=1 H=6 W=6 C=1 K=2 R=3 S=3", Pass::fprop, "ours", 0.25);
  add("N=1 H=6 W=6 C=1 K=2 R=3 S=3", Pass::wgrad, "ours", 1);
  add("activation relu count=32", Pass::fprop, "ours", 0.5);
  add("activation relu count=32", Pass::dgrad, "ours", 2);
  add("max N=1 H=4 W=4 C=2", Pass::dgrad, "ours", 3);
  EXPECT_EQ(blocks_table(d).size(), 2u) << "a head and wgrad: no pooling ran in fprop";
  add("max N=1 H=4 W=4 C=2", Pass::fprop, "lib", 7);
  EXPECT_EQ(blocks_table(d).size(), 2u) << "it is another's";
  add("max N=1 H=4 W=4 C=2", Pass::fprop, "ours", 1);
  add("max N=1 H=4 W=4 C=2", Pass::fprop, "ours", 9);  // the like, elsewhere in the net
  const auto rows = blocks_table(d);
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[1],
            (std::vector<std::string>{d.problems[0].name, "fprop", "ours", "500 ms", "1.75 s", "3.50"}));
  EXPECT_EQ(rows[2], (std::vector<std::string>{d.problems[1].name, "wgrad", "ours", "2 s", "6 s", "3.00"}));
  const std::string text = duel_text({&d, "net", "gabor duel net", {}, {}}),
                    page = duel_html({&d, "net", "gabor duel net", {}, {}});
  EXPECT_NE(text.find("\nfused blocks beside the medians"), std::string::npos);
  EXPECT_NE(page.find("<h2>Fused blocks</h2>"), std::string::npos);
}

TEST(Texts, AreShort) {
  DuelRecord converting;
  converting.traits.layout = "NCHW";
  EXPECT_EQ(layout_text(converting), "NCHW");
  converting.conversion = 0.0012;
  EXPECT_EQ(layout_text(converting), "NCHW, 1.2 ms of it");
  EXPECT_EQ(pass_text(Pass::wgrad, std::nullopt), "wgrad");
  EXPECT_EQ(pass_text(Pass::wgrad, size_t{64} << 20), "wgrad, 64.0 MiB");
  EXPECT_EQ(short_seconds(0.0123456), "12.35 ms");
  EXPECT_EQ(short_seconds(3.2e-6), "3.2 us");
  EXPECT_EQ(short_seconds(75), "75 s");
  EXPECT_EQ(short_flops(1.234e12), "1.23 TFLOP/s");
  EXPECT_EQ(short_flops(4.56e9), "4.56 GFLOP/s");
  EXPECT_EQ(short_flops(4.56e6), "4.56 MFLOP/s");
  EXPECT_EQ(ratio_text(0, true), "-");
  EXPECT_EQ(ratio_text(1.234, true), "1.23");
  EXPECT_EQ(ratio_text(0.0123, false), "0.0123~");
}

}  // namespace
}  // namespace gabor
