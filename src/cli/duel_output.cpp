#include "cli/duel_output.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/text_table.h"
#include "core/text.h"
#include "duel/problem_text.h"
#include "duel/summary.h"

namespace gabor {
namespace {

using Align = TextTable::Align;

std::string problem_line(const DuelProblem& p) {
  return fmt::format("\n{}: {} {} ({}{})", printable(p.name), op_name(p.problem), to_string(p.problem),
                     name_of(class_of(p)),
                     p.scaled_from.empty() ? "" : "; scaled down from " + p.scaled_from);
}

std::string interval_text(const DuelRecord& r) {
  if (r.seconds.size() < 2) return "once";
  return fmt::format("{} - {}", short_seconds(r.interval.low), short_seconds(r.interval.high));
}

void add_record(TextTable& table, const DuelRecord& r) {
  const std::string pass = pass_text(r.pass, r.workspace_cap), candidate = printable(r.candidate);
  if (!r.ran()) return table.row({pass, candidate, "-  " + printable(r.unsupported)});
  std::vector<std::string> row{pass, candidate, r.traits.math, layout_text(r)};
  if (r.seconds.empty())
    row.insert(row.end(), {"-", r.traits.emulated ? "emulated: no time" : "-", "-", "-", "-"});
  else
    row.insert(row.end(), {short_seconds(r.median), interval_text(r), short_flops(r.flops / r.median),
                           fmt::format("{:.2f}", r.bytes / r.median / 1e9),
                           r.roof_share > 0 ? fmt::format("{:.1f} %", 100 * r.roof_share) : "-"});
  row.insert(
      row.end(),
      {workspace_text(r.workspace_bytes), r.score.right() ? fmt::format("{:.2g}", r.score.max) : "WRONG",
       ratio_text(r.ratio, r.distinct), ratio_text(r.ratio_any, true), printable(r.kernel)});
  table.row(std::move(row));
  if (!r.score.right()) table.line("       " + printable(r.score.fault));
}

std::string records_text(const Duel& d) {
  TextTable table({Align::left, Align::left, Align::left, Align::left, Align::right, Align::right,
                   Align::right, Align::right, Align::right, Align::right, Align::right, Align::right,
                   Align::right, Align::left});
  for (size_t i = 0, at = 0; i < d.problems.size(); i++) {
    table.line(problem_line(d.problems[i]));
    table.row({"pass", "candidate", "math", "layout", "median", "95 % interval", "speed", "GB/s", "roof",
               "workspace", "error", "ratio", "any", "kernel"});
    for (; at < d.records.size() && d.records[at].problem == i; at++) add_record(table, d.records[at]);
  }
  return table.text();
}

// rows: a head first. texts: columns before those of numbers.
std::string aligned(const std::vector<std::vector<std::string>>& rows, size_t texts) {
  std::vector<Align> columns(rows[0].size(), Align::right);
  std::fill_n(columns.begin(), texts, Align::left);
  TextTable table(std::move(columns));
  for (auto row : rows) {
    for (std::string& cell : row) cell = printable(cell);
    table.row(std::move(row));
  }
  return table.text();
}

std::string means_text(const Duel& d) {
  const auto rows = means_table(d);
  if (rows.empty()) return "";
  return fmt::format(
      "\ngeometric means of the ratios to {} at equal math mode and layout (above 1: faster; in brackets: "
      "problems)\n{}",
      printable(d.baseline), aligned(rows, 2));
}

std::string blocks_text(const Duel& d) {
  const auto rows = blocks_table(d);
  if (rows.empty()) return "";
  return "\nfused blocks beside the medians of convolution, activation and pooling, added up\n" +
         aligned(rows, 3);
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
  if (r.workspace_cap) j["workspace_cap"] = *r.workspace_cap;
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
  if (r.conversion > 0) j["seconds"]["conversion"] = r.conversion;
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
  std::string out;
  for (const DeviceRoofs& roofs : d.roofs) {
    out += fmt::format("roofs of {}: copy {:.1f} GB/s", printable(roofs.device), roofs.bytes_per_s / 1e9);
    for (const auto& [math, flops] : roofs.flops) out += fmt::format(", {} {}", math, short_flops(flops));
    out += '\n';
  }
  out += records_text(d);
  out += means_text(d) + blocks_text(d);
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
  for (const ClassMean& m : class_means(d)) {
    j["means"].push_back({{"class", name_of(m.problem_class)},
                          {"pass", name_of(m.pass)},
                          {"candidate", m.candidate},
                          {"problems", m.problems},
                          {"ratio", m.ratio}});
    if (m.workspace_cap) j["means"].back()["workspace_cap"] = *m.workspace_cap;
  }
  for (const BlockParts& b : blocks_and_parts(d))
    j["blocks"].push_back({{"name", d.problems[b.block->problem].name},
                           {"pass", name_of(b.block->pass)},
                           {"candidate", b.block->candidate},
                           {"fused_seconds", b.block->median},
                           {"parts_seconds", b.seconds}});
  return j;
}

}  // namespace gabor
