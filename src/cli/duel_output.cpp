#include "cli/duel_output.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/text.h"
#include "duel/summary.h"

namespace gabor {
namespace {

size_t candidate_width(const Duel& d) {
  size_t width = 9;
  for (const DuelRecord& r : d.records) width = std::max(width, printable(r.candidate).size());
  return width;
}

std::string problem_line(const DuelProblem& p) {
  return fmt::format("\n{}: {} {} ({}{})\n", printable(p.name), op_name(p.problem), to_string(p.problem),
                     name_of(class_of(p)),
                     p.scaled_from.empty() ? "" : "; scaled down from " + p.scaled_from);
}

std::string heading(size_t width) {
  return fmt::format(
      "{:<5}  {:<{}}  {:<4}  {:<6}  {:>9}  {:>22}  {:>14}  {:>7}  {:>6}  {:>9}  {:>7}  {:>7}  {:>6}  {}\n",
      "pass", "candidate", width, "math", "layout", "median", "95 % interval", "speed", "GB/s", "roof",
      "workspace", "error", "ratio", "any", "kernel");
}

std::string interval_text(const DuelRecord& r) {
  if (r.seconds.size() < 2) return "once";
  return fmt::format("{} - {}", short_seconds(r.interval.low), short_seconds(r.interval.high));
}

// "median" to "roof".
std::string speed_columns(const DuelRecord& r) {
  constexpr const char* kFormat = "{:>9}  {:>22}  {:>14}  {:>7}  {:>6}";
  if (r.seconds.empty())
    return fmt::format(fmt::runtime(kFormat), "-", r.traits.emulated ? "emulated: no time" : "-", "-", "-",
                       "-");
  return fmt::format(fmt::runtime(kFormat), short_seconds(r.median), interval_text(r),
                     short_flops(r.flops / r.median), fmt::format("{:.2f}", r.bytes / r.median / 1e9),
                     r.roof_share > 0 ? fmt::format("{:.1f} %", 100 * r.roof_share) : "-");
}

std::string record_line(const DuelRecord& r, size_t width) {
  std::string out = fmt::format("{:<5}  {:<{}}  ", name_of(r.pass), printable(r.candidate), width);
  if (!r.ran()) return out + "-  " + printable(r.unsupported) + "\n";
  out += fmt::format("{:<4}  {:<6}  {}  {:>9}  {:>7}  {:>7}  {:>6}  {}", r.traits.math, r.traits.layout,
                     speed_columns(r), workspace_text(r.workspace_bytes),
                     r.score.right() ? fmt::format("{:.2g}", r.score.max) : "WRONG",
                     ratio_text(r.ratio, r.distinct), ratio_text(r.ratio_any, true), printable(r.kernel));
  while (out.ends_with(' ')) out.pop_back();
  return out + (r.score.right() ? "\n" : fmt::format("\n       {}\n", printable(r.score.fault)));
}

std::string means_text(const Duel& d) {
  const auto rows = means_table(d);
  if (rows.empty()) return "";
  std::string out = fmt::format(
      "\ngeometric means of the ratios to {} at equal math mode and layout (above 1: faster; in brackets: "
      "problems)\n",
      printable(d.baseline));
  for (const auto& row : rows) {
    out += fmt::format("{:<11}  {:<5}", row[0], row[1]);
    for (size_t i = 2; i < row.size(); i++) out += fmt::format("  {:>12}", printable(row[i]));
    out += '\n';
  }
  return out;
}

nlohmann::ordered_json to_json(const DuelRecord& r, const Duel& d) {
  const DuelProblem& p = d.problems[r.problem];
  nlohmann::ordered_json j = {{"name", p.name},
                              {"tag", p.tag},
                              {"class", name_of(class_of(p))},
                              {"op", op_name(p.problem)},
                              {"problem", to_string(p.problem)},
                              {"pass", name_of(r.pass)},
                              {"candidate", r.candidate},
                              {"math", r.traits.math},
                              {"layout", r.traits.layout},
                              {"device", r.device}};
  if (!p.scaled_from.empty()) j["scaled_from"] = p.scaled_from;
  if (!r.ran()) return j["unsupported"] = r.unsupported, j;
  j["kernel"] = r.kernel;
  j["seconds"] = nullptr;
  if (!r.seconds.empty())
    j["seconds"] = {{"median", r.median},
                    {"low", r.interval.low},
                    {"high", r.interval.high},
                    {"coverage", r.interval.coverage},
                    {"all", r.seconds}};
  j["flops"] = r.flops, j["bytes"] = r.bytes, j["workspace_bytes"] = r.workspace_bytes;
  j["roof_share"] = r.roof_share > 0 ? nlohmann::ordered_json(r.roof_share) : nullptr;
  j["error"] = {
      {"max", r.score.max}, {"p99", r.score.p99}, {"right", r.score.right()}};  // infinity becomes null
  if (!r.score.right()) j["error"]["fault"] = r.score.fault;
  j["ratio"] = r.ratio > 0 ? nlohmann::ordered_json(r.ratio) : nullptr;
  j["ratio_any"] = r.ratio_any > 0 ? nlohmann::ordered_json(r.ratio_any) : nullptr;
  j["distinct"] = r.distinct;
  return j;
}

}  // namespace

std::string duel_text(const DuelReport& report) {
  const Duel& d = *report.duel;
  const size_t width = candidate_width(d);
  std::string out;
  for (const DeviceRoofs& roofs : d.roofs) {
    out += fmt::format("roofs of {}: copy {:.1f} GB/s", printable(roofs.device), roofs.bytes_per_s / 1e9);
    for (const auto& [math, flops] : roofs.flops) out += fmt::format(", {} {}", math, short_flops(flops));
    out += '\n';
  }
  for (size_t i = 0, at = 0; i < d.problems.size(); i++) {
    out += problem_line(d.problems[i]) + heading(width);
    for (; at < d.records.size() && d.records[at].problem == i; at++)
      out += record_line(d.records[at], width);
  }
  out += means_text(d);
  for (const std::string& note : report.notes) out += "\nnote: " + printable(note) + "\n";
  return out;
}

nlohmann::ordered_json duel_json(const DuelReport& report) {
  const Duel& d = *report.duel;
  nlohmann::ordered_json j = {{"duel", report.title}, {"command", report.command}, {"baseline", d.baseline}};
  for (const auto& [what, which] : report.machine) j["machine"][what] = which;
  j["notes"] = report.notes;
  j["speed_kept"] = d.speed_kept;
  j["roofs"] = nlohmann::ordered_json::array();
  for (const DeviceRoofs& roofs : d.roofs)
    j["roofs"].push_back(
        {{"device", roofs.device}, {"bytes_per_s", roofs.bytes_per_s}, {"flops_per_s", roofs.flops}});
  j["records"] = nlohmann::ordered_json::array();
  for (const DuelRecord& r : d.records) j["records"].push_back(to_json(r, d));
  j["means"] = nlohmann::ordered_json::array();
  for (const ClassMean& m : class_means(d))
    j["means"].push_back({{"class", name_of(m.problem_class)},
                          {"pass", name_of(m.pass)},
                          {"candidate", m.candidate},
                          {"problems", m.problems},
                          {"ratio", m.ratio}});
  return j;
}

}  // namespace gabor
