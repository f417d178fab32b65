#include "report/html_report.h"

#include <gtest/gtest.h>

#include <limits>
#include <set>

namespace gabor {
namespace {

HtmlReport hostile() {
  HtmlReport r;
  const std::string evil = "\"><script>alert(1)</script>&\x1b\xff";
  r.title = evil, r.state = evil, r.command = evil, r.config = evil;
  r.run.classes = {evil, "dog"};
  r.run.split_note = evil, r.run.device = evil;
  r.warnings = {evil};
  r.shadow = ShadowSummary{evil, 3, {{evil, 0.5}}, {evil}};
  r.versions = {{evil, evil}};
  EvalResult e;
  e.classes = 2, e.samples = 10, e.correct = 7, e.loss = 0.5;
  e.confusion = {4, 1, 2, 3};
  r.results = {{evil, e, {{evil, 0, 1, 0.75f}}}};
  EpochRecord epoch;
  epoch.epoch = 1, epoch.train_loss = 0.7;
  epoch.val_loss = epoch.val_acc = std::numeric_limits<double>::quiet_NaN();
  r.epochs = {epoch};
  return r;
}

// Every tag closes in the right order; "" when it does, else what is wrong.
std::string unbalanced(const std::string& page) {
  static const std::set<std::string> kVoid = {"meta", "br", "!DOCTYPE"};
  std::vector<std::string> open;
  for (size_t at = page.find('<'); at != std::string::npos; at = page.find('<', at + 1)) {
    const size_t end = page.find('>', at);
    if (end == std::string::npos) return "a tag does not end";
    const bool closing = page[at + 1] == '/';
    const size_t first = at + 1 + closing;
    const std::string name = page.substr(first, page.find_first_of(" />", first) - first);
    if (closing) {
      if (open.empty() || open.back() != name)
        return "</" + name + "> closes " + (open.empty() ? "nothing" : open.back());
      open.pop_back();
    } else if (page[end - 1] != '/' && !kVoid.contains(name)) {
      open.push_back(name);
    }
  }
  return open.empty() ? "" : "<" + open.back() + "> stays open";
}

TEST(HtmlReport, TheCheckerSeesWhatIsWrong) {
  EXPECT_EQ(unbalanced("<a><b/></a>"), "");
  EXPECT_NE(unbalanced("<a><b></a>"), "");
  EXPECT_NE(unbalanced("<a>"), "");
}

TEST(HtmlReport, HostileNamesStayText) {
  const std::string page = html_report(hostile());
  EXPECT_EQ(unbalanced(page), "");
  EXPECT_EQ(page.find("<script"), std::string::npos);
  EXPECT_EQ(page.find('\x1b'), std::string::npos);
  EXPECT_EQ(page.find('\xff'), std::string::npos);
  EXPECT_NE(page.find("&lt;script&gt;alert(1)"), std::string::npos);
}

TEST(HtmlReport, LoadsNothing) {
  const std::string page = html_report(hostile());
  for (const char* door : {"http:", "https:", "src=", "href=", "url(", "@import"})
    EXPECT_EQ(page.find(door), std::string::npos) << door;
}

TEST(HtmlReport, ShowsTheNumbers) {
  const std::string page = html_report(hostile());
  for (const char* text : {"7 of 10 pictures right (70.00 %)", "66.67 %", "80.00 %", "0.7500"})
    EXPECT_NE(page.find(text), std::string::npos) << text;
}

}  // namespace
}  // namespace gabor
