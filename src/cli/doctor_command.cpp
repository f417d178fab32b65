#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <thread>

#include "backends/all.h"
#include "cli/commands.h"
#include "cli/doctor_output.h"
#include "cli/eval_output.h"
#include "cli/machine.h"
#include "cli/option_values.h"
#include "cli/output_file.h"
#include "cli/status_line.h"
#include "core/error.h"
#include "core/parallel.h"
#include "core/text.h"
#include "data/contact_sheet.h"
#include "data/doctor.h"

namespace gabor {
namespace {

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

struct Options {
  std::string data, sheet, remove_list;
  SplitOptions split;
  ImageSize size;  // 0x0: the pictures' own, else the article's
  DoctorOptions doctor;
  bool json = false, quick = false;
};

bool read_options(const Invocation& call, Options& o) {
  CommandLine line(
      call, "doctor",
      "Checks this machine and, given DATA, what would train or validate nonsense in it. DATA is only "
      "read.");
  line.positional("DATA", "as for train", o.data, false);
  line.option("--val-split", "X", "share of the pictures that validate (0.3)",
              [&](const std::string& v) { o.split.val_split = parse_number("--val-split", v, 0, 0.99); });
  line.option("--val", "DIR", "validate on these pictures",
              [&](const std::string& v) { o.split.val_path = v; });
  line.option("--size", "HxW",
              "input of the network, to tell what resizing does (pictures' own, else 300x300)",
              [&](const std::string& v) { o.size = parse_size("--size", v); });
  line.option("--max-bad", "X", "share of unreadable pictures that is an error (0.01)",
              [&](const std::string& v) { o.doctor.max_bad = parse_number("--max-bad", v, 0, 1); });
  line.option("--sheet", "FILE", "write a PNG: samples of each class, and the pairs of duplicates",
              [&](const std::string& v) { o.sheet = v; });
  line.option(
      "--remove-list", "FILE",
      "write paths, one a line as DATA has them: unreadable files, copies but one, all copies under two "
      "labels",
      [&](const std::string& v) { o.remove_list = v; });
  line.flag("--quick", "do not read the pictures", o.quick);
  line.flag("--json", "print one JSON object", o.json);
  return line.parse();
}

// What only makes sense with others is refused before anything long begins.
void check_options(const Options& o) {
  for (const auto& [option, value] : {std::pair{"--sheet", &o.sheet}, {"--remove-list", &o.remove_list}})
    if (!value->empty() && o.data.empty())
      fail(ErrorCode::usage, option, "needs DATA; see gabor doctor --help");
  if (!o.remove_list.empty() && !o.split.val_path.empty())
    fail(ErrorCode::usage, "--remove-list", "does not go with --val: its paths would be below two folders");
  for (const auto& [option, value] : {std::pair{"--sheet", &o.sheet}, {"--remove-list", &o.remove_list}}) {
    check_outside_data(option, *value, {o.data, o.split.val_path});
    check_writable(option, *value);
  }
}

DataReport examine_with_progress(const DataSplits& data, DoctorOptions options) {
  StatusLine status(stderr, ::isatty(STDERR_FILENO));
  options.progress = [&](int64_t done, int64_t total) {
    status.show(fmt::format("doctor: {} of {} pictures read", with_commas(done), with_commas(total)));
  };
  return examine(data, options);
}

void write_remove_list(const Options& o, const DataReport& report) {
  std::string list;
  for (const std::string& name : names_to_remove(report)) {
    if (name.find('\n') == std::string::npos)
      list += name + "\n";
    else
      fmt::print(stderr, "gabor: warning: left out of {}, for it has a line end in its name: {}\n",
                 printable(o.remove_list), printable(name));
  }
  write_text(o.remove_list, list);
}

void write_sheet(const std::string& path, const DataSplits& data, const DataReport& report) {
  const std::vector<uint8_t> png = contact_sheet(data, report);
  write_text(path, {png.begin(), png.end()});
}

}  // namespace

int doctor_command(const Invocation& call) {
  Options o;
  if (!read_options(call, o)) return 0;
  check_options(o);
  nlohmann::ordered_json out = {{"version", GABOR_VERSION}, {"machine", machine_json()}};
  if (!o.json) fmt::print("{}", machine_text(out["machine"]));
  if (o.data.empty()) {
    if (o.json) print_json(out);
    return 0;
  }
  const DataSplits data = open_data(o.data, o.split);
  if (!o.remove_list.empty() && data.dataset->native_size())
    fail(ErrorCode::usage, "--remove-list",
         "{} holds its pictures in a few files; none can be removed by path", printable(o.data));
  o.doctor.decode = !o.quick;
  o.doctor.size = o.size.height ? o.size : data.dataset->native_size().value_or(o.doctor.size);
  const DataReport report = examine_with_progress(data, o.doctor);
  if (!o.sheet.empty()) write_sheet(o.sheet, data, report);
  if (!o.remove_list.empty()) write_remove_list(o, report);
  const double per_second = o.quick ? 0 : decode_speed(data);
  if (o.json) {
    out["data"] = doctor_json(report, per_second);
    print_json(out);
  } else {
    fmt::print("{}", doctor_text(report, per_second));
  }
  if (!report.ok()) fail(ErrorCode::data, printable(o.data), "{}", join(report.errors, "; "));
  return 0;
}

}  // namespace gabor
