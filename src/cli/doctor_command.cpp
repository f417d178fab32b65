#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <thread>

#include "backends/all.h"
#include "cli/commands.h"
#include "cli/eval_output.h"
#include "cli/machine.h"
#include "cli/option_values.h"
#include "core/error.h"
#include "core/parallel.h"
#include "core/text.h"
#include "data/doctor.h"

namespace gabor {
namespace {

constexpr size_t kMaxListed = 20;

// Pictures decoded a second by one thread, over up to 200 of the set or one second.
double decode_speed(const DataSplits& d) {
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  const auto elapsed = [&] { return std::chrono::duration<double>(Clock::now() - begin).count(); };
  Image image;
  int done = 0;
  for (uint32_t i : d.train) {
    try {
      d.dataset->load_into(i, d.dataset->channels(), image);
    } catch (const Error&) {  // listed by the examination
    }
    if (++done == 200 || elapsed() > 1) break;
  }
  return done / std::max(elapsed(), 1e-9);
}

// With the device and the backends that a run gets by itself, and why not others that this build has.
nlohmann::ordered_json machine_json() {
  const auto library = make_library("auto", 0);
  return {{"cpu", cpu_name()},
          {"cores", std::thread::hardware_concurrency()},
          {"threads", max_threads()},
          {"vectors", vector_unit()},
          {"device", library->device().name()},
          {"backends", library->names()},
          {"not", library->notes()}};
}

std::string machine_text(const nlohmann::ordered_json& machine) {
  std::string out = fmt::format(
      "gabor    {}\ncpu      {}: {} cores, {} threads used, {}\nbackends {} on {}\n", GABOR_VERSION,
      machine["cpu"].get<std::string>(), machine["cores"].get<int>(), machine["threads"].get<int>(),
      machine["vectors"].get<std::string>(), join(machine["backends"].get<std::vector<std::string>>(), ", "),
      machine["device"].get<std::string>());
  for (const std::string& note : machine["not"].get<std::vector<std::string>>())
    out += fmt::format("         not {}\n", note);
  return out;
}

nlohmann::ordered_json data_json(const DataReport& r, double per_second) {
  nlohmann::ordered_json j = {{"ok", r.ok()}, {"classes", r.classes}, {"split", r.split_note}};
  for (const PartReport& p : r.parts)
    j["parts"].push_back({{"name", p.name}, {"total", p.total}, {"per_class", p.per_class}});
  j["width"] = {r.width.min, r.width.median, r.width.max};
  j["height"] = {r.height.min, r.height.median, r.height.max};
  j["decoded"] = r.decoded, j["decodes_per_s_and_thread"] = per_second;
  j["unreadable"] = nlohmann::ordered_json::array();
  for (const UnreadableFile& u : r.unreadable)
    j["unreadable"].push_back({{"name", u.name}, {"reason", u.reason}});
  j["duplicates"] = r.duplicates.size();
  j["errors"] = r.errors, j["warnings"] = r.warnings;
  return j;
}

std::string data_text(const DataReport& r, double per_second) {
  std::string out = fmt::format("\n{:<20}", "class");
  for (const PartReport& p : r.parts) out += fmt::format(" {:>9}", p.name);
  for (size_t k = 0; k < r.classes.size(); k++) {
    out += fmt::format("\n{:<20}", printable(r.classes[k]));
    for (const PartReport& p : r.parts) out += fmt::format(" {:>9}", p.per_class[k]);
  }
  out += fmt::format("\n{:<20}", "all");
  for (const PartReport& p : r.parts) out += fmt::format(" {:>9}", p.total);
  out += fmt::format("\n\nsplit    {}\n", r.split_note);
  if (r.decoded > 0)
    out += fmt::format(
        "pictures {} read; width {} to {} (median {}), height {} to {} (median {}); one thread reads {:.0f} "
        "a second\n",
        r.decoded, r.width.min, r.width.max, r.width.median, r.height.min, r.height.max, r.height.median,
        per_second);
  for (size_t i = 0; i < std::min(kMaxListed, r.unreadable.size()); i++)
    out += fmt::format("unreadable: {}\n", r.unreadable[i].reason);
  if (r.unreadable.size() > kMaxListed)
    out += fmt::format("... and {} more\n", r.unreadable.size() - kMaxListed);
  for (size_t i = 0; i < std::min(kMaxListed, r.duplicates.size()); i++) {
    const DuplicatePair& d = r.duplicates[i];
    out += fmt::format("same picture twice: {} ({}) = {} ({})\n", printable(d.first), d.first_part,
                       printable(d.second), d.second_part);
  }
  if (r.duplicates.size() > kMaxListed)
    out += fmt::format("... and {} more\n", r.duplicates.size() - kMaxListed);
  for (const std::string& w : r.warnings) out += "warning: " + w + "\n";
  return out + (r.ok() ? "\nThe data can be trained on.\n" : "");
}

}  // namespace

int doctor_command(const Invocation& call) {
  std::string path;
  SplitOptions split;
  DoctorOptions options;
  bool json = false, no_decode = false;
  CommandLine line(call, "doctor",
                   "Checks this machine and, given DATA, what would train or validate nonsense in it.");
  line.positional("DATA", "as for train", path, false);
  line.option("--val-split", "X", "share of the pictures that validate (0.3)",
              [&](const std::string& v) { split.val_split = parse_number("--val-split", v, 0, 0.99); });
  line.option("--val", "DIR", "validate on these pictures",
              [&](const std::string& v) { split.val_path = v; });
  line.option("--max-bad", "X", "share of unreadable pictures that is an error (0.01)",
              [&](const std::string& v) { options.max_bad = parse_number("--max-bad", v, 0, 1); });
  line.flag("--quick", "do not read the pictures", no_decode);
  line.flag("--json", "print one JSON object", json);
  if (!line.parse()) return 0;

  nlohmann::ordered_json out = {{"version", GABOR_VERSION}, {"machine", machine_json()}};
  if (!json) fmt::print("{}", machine_text(out["machine"]));
  if (path.empty()) {
    if (json) print_json(out);
    return 0;
  }
  options.decode = !no_decode;
  const DataSplits data = open_data(path, split);
  const DataReport report = examine(data, options);
  const double per_second = no_decode ? 0 : decode_speed(data);
  if (json) {
    out["data"] = data_json(report, per_second);
    print_json(out);
  } else {
    fmt::print("{}", data_text(report, per_second));
  }
  if (!report.ok()) fail(ErrorCode::data, printable(path), "{}", join(report.errors, "; "));
  return 0;
}

}  // namespace gabor
