#include "report/duel_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "core/text.h"
#include "duel/problem_text.h"
#include "duel/summary.h"
#include "report/html_style.h"
#include "report/html_text.h"
#include "report/svg_duel.h"

namespace gabor {
namespace {

constexpr const char* kDuelCss = R"css(
:root{--s0:#2f6fb4;--s1:#c2571a;--s2:#2d8a4e;--s3:#8a4fb0;--s4:#b0892f;--s5:#5b6670}
@media (prefers-color-scheme:dark){:root{--s0:#6aa9ec;--s1:#f0945a;--s2:#4cbf78;--s3:#c08fe6;--s4:#e0bb62;--s5:#a3adb6}}
main{max-width:1320px}
svg .axis{stroke:var(--soft)}
svg .roof{stroke:var(--soft);stroke-width:1.5;stroke-dasharray:5 3;fill:none}
svg .s0{fill:var(--s0)}svg .s1{fill:var(--s1)}svg .s2{fill:var(--s2)}svg .s3{fill:var(--s3)}svg .s4{fill:var(--s4)}svg .s5{fill:var(--s5)}
svg text.label{fill:var(--fg)}
.bad{color:var(--wrong);font-weight:600}
.numbers td{white-space:nowrap;padding-right:10px;font-size:12.5px}
.numbers th{padding-right:12px}
)css";

std::string h(const std::string& text) { return html_escape(text); }

std::string cell(const std::string& text, bool number = false) {
  return number ? fmt::format("<td class=\"n\">{}</td>", h(text)) : fmt::format("<td>{}</td>", h(text));
}

std::string header(std::initializer_list<std::pair<const char*, bool>> columns) {
  std::string out = "<tr>";
  for (const auto& [text, number] : columns)
    out += fmt::format("<th{}>{}</th>", number ? " class=\"n\"" : "", text);
  return out + "</tr>\n";
}

std::string head(const DuelReport& r) {
  const Duel& d = *r.duel;
  std::set<std::string> candidates;
  size_t wrong = 0;
  for (const DuelRecord& record : d.records)
    candidates.insert(record.candidate), wrong += record.ran() && !record.score.right();
  std::string out = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n<meta name=\"viewport\" "
      "content=\"width=device-width, initial-scale=1\"/>\n<title>Duel: {0}</title>\n<style>{1}{2}</style>\n"
      "</head>\n<body>\n<main>\n<h1>Duel: {0}</h1>\n<p class=\"soft\">Speed relative to <b>{3}</b>, each "
      "result judged "
      "by its error budget</p>\n<div class=\"figures\">\n",
      h(r.title), kReportCss, kDuelCss, h(d.baseline));
  const auto figure = [&](const std::string& value, const std::string& what) {
    out += fmt::format("<div class=\"figure\"><b>{}</b><span>{}</span></div>\n", h(value), h(what));
  };
  figure(std::to_string(d.problems.size()), d.problems.size() == 1 ? "problem" : "problems");
  figure(std::to_string(candidates.size()), "candidates");
  figure(std::to_string(wrong), wrong == 1 ? "result over its budget" : "results over their budgets");
  for (const DeviceRoofs& roofs : d.roofs) {
    figure(fmt::format("{:.1f} GB/s", roofs.bytes_per_s / 1e9), "copy, " + roofs.device);
    for (const auto& [math, flops] : roofs.flops)
      figure(short_flops(flops), math + " multiply-add, " + roofs.device);
  }
  out += "</div>\n";
  for (const std::string& note : r.notes) out += fmt::format("<p class=\"warn\">{}</p>\n", h(note));
  return out;
}

// rows: a head first. texts: columns before those of numbers.
std::string table(const std::vector<std::vector<std::string>>& rows, size_t texts) {
  std::string out = "<div class=\"scroll\"><table>\n";
  for (const auto& row : rows) {
    const char* tag = &row == &rows[0] ? "th" : "td";
    out += "<tr>";
    for (size_t i = 0; i < row.size(); i++)
      out += fmt::format("<{0}{1}>{2}</{0}>", tag, i < texts ? "" : " class=\"n\"", h(row[i]));
    out += "</tr>\n";
  }
  return out + "</table></div>\n";
}

std::string means(const Duel& d) {
  const auto rows = means_table(d);
  if (rows.empty()) return "";
  return fmt::format(
             "<h2>Geometric means by class</h2>\n<p class=\"soft\">Speed relative to the best of {} at equal "
             "math mode and layout; above 1 is faster. In brackets: problems.</p>\n",
             h(d.baseline)) +
         table(rows, 2);
}

std::string blocks(const Duel& d) {
  const auto rows = blocks_table(d);
  if (rows.empty()) return "";
  return "<h2>Fused blocks</h2>\n<p class=\"soft\">Beside the medians of convolution, activation and pooling "
         "by the same candidate, added up.</p>\n" +
         table(rows, 3);
}

std::string ratio_charts(const Duel& d) {
  std::string out;
  for (int c = 0; c < kProblemClasses; c++)
    if (const std::string chart = ratio_chart(d, ProblemClass(c)); !chart.empty())
      out += fmt::format("<h3>{}</h3>\n{}", name_of(ProblemClass(c)), chart);
  return out.empty() ? "" : "<h2>Ratios by layer</h2>\n" + out;
}

// "median" to "roof".
std::string speed_cells(const DuelRecord& r) {
  if (r.seconds.empty())
    return fmt::format("<td colspan=\"5\" class=\"soft\">{}</td>",
                       r.traits.emulated ? "emulated: no time" : "-");
  return cell(short_seconds(r.median), true) +
         cell(r.seconds.size() < 2
                  ? "once"
                  : fmt::format("{} to {}", short_seconds(r.interval.low), short_seconds(r.interval.high)),
              true) +
         cell(short_flops(r.flops / r.median), true) +
         cell(fmt::format("{:.1f}", r.bytes / r.median / 1e9), true) +
         cell(r.roof_share > 0 ? fmt::format("{:.1f} %", 100 * r.roof_share) : "-", true);
}

std::string record_row(const DuelRecord& r) {
  std::string out = "<tr>" + cell(pass_text(r.pass, r.workspace_cap)) + cell(r.candidate);
  if (!r.ran())
    return out + fmt::format("<td colspan=\"12\" class=\"soft\">{}</td></tr>\n", h(r.unsupported));
  out += cell(r.traits.math) + cell(layout_text(r)) + speed_cells(r);
  out += cell(workspace_text(r.workspace_bytes), true);
  out += r.score.right()
             ? cell(fmt::format("{:.2g}", r.score.max), true) + cell(fmt::format("{:.2g}", r.score.p99), true)
             : fmt::format("<td class=\"n bad\" title=\"{0}\">{1:.3g}</td><td class=\"n bad\">{2:.3g}</td>",
                           h(r.score.fault), r.score.max, r.score.p99);
  out += cell(ratio_text(r.ratio, r.distinct), true) + cell(ratio_text(r.ratio_any, true), true) +
         cell(r.kernel);
  return out + "</tr>\n";
}

std::string numbers(const Duel& d) {
  std::string out =
      "<h2>Every number</h2>\n<p class=\"soft\">Interval: 95 % confidence interval of the median. Roof: "
      "share of the "
      "shortest time that the measured copy and multiply-add rates allow. Error: largest, and 99th "
      "percentile, as a "
      "fraction of the budget. Ratio: at equal math mode and layout; ~ marks intervals that overlap. Any: "
      "against the "
      "baseline's best with any. Layout: another than NHWC is converted at each call, of which the time by "
      "itself is shown.</p>\n";
  for (size_t i = 0, at = 0; i < d.problems.size(); i++) {
    const DuelProblem& p = d.problems[i];
    out += fmt::format("<h3>{}</h3>\n<p><code>{} {}</code> <span class=\"soft\">{}{}</span></p>\n", h(p.name),
                       op_name(p.problem), h(to_string(p.problem)), name_of(class_of(p)),
                       p.scaled_from.empty() ? "" : "; scaled down from " + h(p.scaled_from));
    out += "<div class=\"scroll\"><table class=\"numbers\">\n" + header({{"pass", false},
                                                                         {"candidate", false},
                                                                         {"math", false},
                                                                         {"layout", false},
                                                                         {"median", true},
                                                                         {"interval", true},
                                                                         {"speed", true},
                                                                         {"GB/s", true},
                                                                         {"roof", true},
                                                                         {"workspace", true},
                                                                         {"error", true},
                                                                         {"p99", true},
                                                                         {"ratio", true},
                                                                         {"any", true},
                                                                         {"kernel", false}});
    for (; at < d.records.size() && d.records[at].problem == i; at++) out += record_row(d.records[at]);
    out += "</table></div>\n";
    for (const DuelRecord& r : d.records)
      if (r.problem == i && r.ran() && !r.score.right())
        out += fmt::format("<p class=\"warn\">{} {}: {}</p>\n", h(r.candidate),
                           pass_text(r.pass, r.workspace_cap), h(r.score.fault));
  }
  return out;
}

std::string repeat(const DuelReport& r) {
  std::string out = fmt::format("<h2>Machine and command</h2>\n<pre>{}</pre>\n<table>\n", h(r.command));
  for (const auto& [what, which] : r.machine)
    out += fmt::format("<tr><th>{}</th><td>{}</td></tr>\n", h(what), h(which));
  return out + "</table>\n";
}

}  // namespace

std::string duel_html(const DuelReport& r) {
  return head(r) + means(*r.duel) + blocks(*r.duel) + ratio_charts(*r.duel) + "<h2>Roofline</h2>\n" +
         roofline_chart(*r.duel) + numbers(*r.duel) + repeat(r) + "</main>\n</body>\n</html>\n";
}

std::vector<std::vector<std::string>> means_table(const Duel& d) {
  const std::vector<ClassMean> means = class_means(d);
  std::vector<std::string> columns;
  for (const std::string& name : candidates_of(d))
    if (std::any_of(means.begin(), means.end(), [&](const ClassMean& m) { return m.candidate == name; }))
      columns.push_back(name);
  std::vector<std::vector<std::string>> rows;
  for (const ClassMean& m : means) {
    const std::string first = name_of(m.problem_class), second = pass_text(m.pass, m.workspace_cap);
    if (rows.empty()) {
      rows.push_back({"class", "pass"});
      rows[0].insert(rows[0].end(), columns.begin(), columns.end());
    }
    if (rows.size() == 1 || rows.back()[0] != first || rows.back()[1] != second) {
      rows.emplace_back(columns.size() + 2);
      rows.back()[0] = first, rows.back()[1] = second;
    }
    const auto column = std::find(columns.begin(), columns.end(), m.candidate) - columns.begin();
    rows.back()[size_t(column) + 2] = fmt::format("{} ({})", ratio_text(m.ratio, true), m.problems);
  }
  return rows;
}

std::vector<std::vector<std::string>> blocks_table(const Duel& d) {
  std::vector<std::vector<std::string>> rows;
  for (const BlockParts& b : blocks_and_parts(d)) {
    if (rows.empty()) rows.push_back({"problem", "pass", "candidate", "fused", "parts", "parts / fused"});
    rows.push_back({d.problems[b.block->problem].name, pass_text(b.block->pass, b.block->workspace_cap),
                    b.block->candidate, short_seconds(b.block->median), short_seconds(b.seconds),
                    ratio_text(b.seconds / b.block->median, true)});
  }
  return rows;
}

std::string layout_text(const DuelRecord& r) {
  return r.conversion > 0 ? fmt::format("{}, {} of it", r.traits.layout, short_seconds(r.conversion))
                          : r.traits.layout;
}

std::string pass_text(Pass pass, std::optional<size_t> workspace_cap) {
  return workspace_cap ? fmt::format("{}, {}", name_of(pass), human_bytes(double(*workspace_cap)))
                       : name_of(pass);
}

std::string short_seconds(double s) {
  if (s < 1e-3) return fmt::format("{:.4g} us", s * 1e6);
  return s < 1 ? fmt::format("{:.4g} ms", s * 1e3) : fmt::format("{:.4g} s", s);
}

std::string short_flops(double f) {
  if (f >= 1e12) return fmt::format("{:.3g} TFLOP/s", f / 1e12);
  return f >= 1e8 ? fmt::format("{:.3g} GFLOP/s", f / 1e9) : fmt::format("{:.3g} MFLOP/s", f / 1e6);
}

std::string ratio_text(double ratio, bool distinct) {
  if (!(ratio > 0)) return "-";
  const int digits = ratio >= 0.1 ? 2 : 4;
  return fmt::format("{:.{}f}{}", ratio, digits, distinct ? "" : "~");
}

std::string workspace_text(size_t bytes) { return bytes ? human_bytes(double(bytes)) : "-"; }

}  // namespace gabor
