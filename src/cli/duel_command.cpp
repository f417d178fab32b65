#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "backends/all.h"
#include "cli/commands.h"
#include "cli/duel_output.h"
#include "cli/eval_output.h"
#include "cli/machine.h"
#include "cli/option_values.h"
#include "cli/output_file.h"
#include "cli/saved_case.h"
#include "cli/status_line.h"
#include "cli/train_settings.h"
#include "core/error.h"
#include "core/parallel.h"
#include "core/text.h"
#include "duel/case.h"
#include "duel/duel.h"
#include "duel/model_problems.h"
#include "duel/problem_list.h"
#include "model/plan.h"

namespace gabor {
namespace {

using Backends = std::vector<std::shared_ptr<const Backend>>;

constexpr double kSteady = 0.05;  // change of the multiply-add rate, above which times are called uncertain

struct Options {
  std::string what, backend = "auto", filter, json, html, replay;
  std::vector<std::string> kernels;  // users' files
  int64_t kernel_limit = 60;         // seconds
  int64_t batch = 0, classes = 0;    // 0: a model's 32 and own; a list's own
  Shape input;
  std::vector<std::optional<size_t>> workspace_caps = {std::nullopt};  // bytes
  double scale = 0;                                                    // GFLOP; 0: none
  DuelOptions duel;
};

std::vector<Pass> parse_passes(const std::string& text) {
  std::vector<Pass> passes;
  for (const std::string& name : split(text, ',')) {
    parse_choice("--pass", name, {"fprop", "dgrad", "wgrad"});
    for (const Pass pass : {Pass::fprop, Pass::dgrad, Pass::wgrad})
      if (name == name_of(pass) && std::find(passes.begin(), passes.end(), pass) == passes.end())
        passes.push_back(pass);
  }
  return passes;
}

std::vector<std::optional<size_t>> parse_caps(const std::string& text) {
  std::vector<std::optional<size_t>> caps;
  for (const std::string& part : split(text, ',')) {
    caps.emplace_back(parse_bytes("--workspace", part));
    if (std::count(caps.begin(), caps.end(), caps.back()) > 1)
      fail(ErrorCode::usage, "--workspace", "'{}' is named twice", printable(part));
  }
  return caps;
}

// "auto": all that a run here would choose from.
Backends parse_backends(const std::string& text, std::optional<size_t> workspace_cap) {
  Backends backends;
  for (const std::string& name : split(text, ',')) {
    const auto library = make_library(name, 0, workspace_cap);
    for (const auto& b : library->backends()) {
      for (const auto& other : backends)
        if (other->name() == b->name())
          fail(ErrorCode::usage, "--backend", "'{}' is named twice", printable(b->name()));
      backends.push_back(b);
      if (name != "auto") break;  // what follows only stands in for it
    }
  }
  return backends;
}

// Users' kernels join the backends under the names of their files.
void add_kernels(Backends& backends, const Options& o) {
  for (const std::string& file : o.kernels) {
    const std::shared_ptr<const Backend> own = make_own_backend(file, int(o.kernel_limit));
    for (const auto& other : backends)
      if (other->name() == own->name())
        fail(ErrorCode::usage, "--kernel", "two candidates are named '{}'; rename the file",
             printable(own->name()));
    backends.push_back(own);
  }
}

// The last backend that computes as the first does: the one that the others are held against.
std::string default_baseline(const Backends& backends) {
  const Backend* last = backends[0].get();
  for (const auto& b : backends)
    if (b->traits().math == backends[0]->traits().math) last = b.get();
  return std::string(last->name());
}

bool is_model(const std::string& what) {
  const std::vector<std::string> zoo = zoo_names();
  std::error_code error;
  return what.ends_with(".toml") || std::find(zoo.begin(), zoo.end(), what) != zoo.end() ||
         !std::filesystem::exists(what, error);  // find_model says what is wrong with a name
}

// What a saved case says happened, with its recorded result judged anew by the oracle.
std::string replay_note(const SavedCase& saved, const DuelProblem& problem, const Backend& oracle) {
  const ShadowBreach& b = saved.breach;
  const auto c = make_case(problem, b.pass, oracle, 0);
  Score score;
  for (size_t i = 0; i < b.got.size(); i++)
    if (b.got[i]) add_to(score, c->outputs[i], b.got[i].view(), b.math);
  return fmt::format("saved at step {}: {}. By the reference, what {} made then {}", saved.step,
                     breach_text(b), b.backend,
                     score.right() ? "is within its budget" : "is wrong: " + score.fault);
}

// Problem and pass come from the saved case, and with them what else tells what to run on.
std::vector<DuelProblem> replayed(Options& o, const Backend& oracle, std::vector<std::string>& notes) {
  const SavedCase saved = read_case(o.replay);
  DuelProblem problem{.tag = "replay", .name = saved.breach.layer, .problem = saved.breach.problem};
  problem.given = std::make_shared<const CallTensors>(saved.breach.call);
  o.duel.passes = {saved.breach.pass};
  notes.push_back(replay_note(saved, problem, oracle));
  return {std::move(problem)};
}

std::vector<DuelProblem> problems_of(const Options& o, const Library& oracle) {
  if (is_model(o.what)) {
    PlanOptions plan_options;
    plan_options.batch = o.batch ? o.batch : 32;
    plan_options.input = o.input;
    plan_options.classes = o.classes;
    plan_options.training = false;  // ends in softmax
    plan_options.input_dtype = DType::f32;
    std::vector<DuelProblem> list;
    for (const bool fuse : {true, false}) {  // a fused first block, then its parts with all the rest
      plan_options.fuse = fuse;
      const Plan plan = compile(find_model(o.what), oracle, plan_options);
      for (DuelProblem& p : model_problems(plan.graph.name, plan.steps, plan.table))
        if (!fuse || class_of(p) == ProblemClass::first_block) list.push_back(std::move(p));
    }
    return list;
  }
  if (o.input.rank() || o.classes)
    fail(ErrorCode::usage, o.input.rank() ? "--input" : "--classes",
         "goes with a model, and {} is a list of problems", printable(o.what));
  std::vector<DuelProblem> list = read_problem_list(o.what);
  if (o.batch)
    for (DuelProblem& p : list) set_batch(p, o.batch);
  return list;
}

// Keeps what the filter names: a tag, or a part of a name or class.
void filter(std::vector<DuelProblem>& list, const std::string& text) {
  std::vector<std::string> known;
  for (const DuelProblem& p : list)
    for (const std::string& word : {p.tag, std::string(name_of(class_of(p)))})
      if (std::find(known.begin(), known.end(), word) == known.end()) known.push_back(word);
  std::erase_if(list, [&](const DuelProblem& p) {
    return p.tag != text && p.name.find(text) == std::string::npos && text != name_of(class_of(p));
  });
  if (list.empty())
    fail(ErrorCode::usage, "--filter", "'{}' keeps no problem{}", printable(text), suggestion(text, known));
}

std::string now_utc() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &utc);
  return text;
}

std::string command_text(const Invocation& call) {
  std::string out = shell_quoted(call.program) + " duel";
  for (const std::string& arg : call.args) out += " " + shell_quoted(arg);
  return out;
}

std::vector<std::pair<std::string, std::string>> machine_text(const Backends& backends) {
  std::vector<std::pair<std::string, std::string>> out = {
      {"cpu", cpu_name()},
      {"cores", std::to_string(std::thread::hardware_concurrency())},
      {"threads", std::to_string(max_threads())},
      {"vectors", vector_unit()},
      {"load", fmt::format("{:.2f}", load_average())}};
  for (const auto& b : backends) out.emplace_back("backend " + std::string(b->name()), b->device().name());
  out.insert(out.end(), {{"gabor", GABOR_VERSION}, {"compiler", __VERSION__}, {"date", now_utc()}});
  return out;
}

std::vector<std::string> notes(const Options& o, const Duel& d, double load) {
  std::vector<std::string> out;
  if (const std::string busy = busy_text(load); !busy.empty())
    out.push_back(fmt::format(
        "the machine was busy before the duel began ({}): the times are not to be trusted", busy));
  if (std::abs(d.speed_kept - 1) > kSteady)
    out.push_back(fmt::format(
        "the multiply-add rate changed to {:.0f} % during the duel: clocks moved, or others used the machine",
        100 * d.speed_kept));
  const auto scaled = std::count_if(d.problems.begin(), d.problems.end(),
                                    [](const DuelProblem& p) { return !p.scaled_from.empty(); });
  if (scaled)
    out.push_back(fmt::format("{} of {} problems were scaled down to {:g} GFLOP a pass", scaled,
                              d.problems.size(), o.scale));
  if (!o.kernels.empty())
    out.push_back(fmt::format(
        "{} ran on an emulated GPU, checked access by access: right or wrong, but neither fast nor slow",
        join(o.kernels, ", ")));
  const auto wrong = std::count_if(d.records.begin(), d.records.end(),
                                   [](const DuelRecord& r) { return r.ran() && !r.score.right(); });
  if (wrong)
    out.push_back(fmt::format("{} result{} over the error budget", wrong, wrong == 1 ? " is" : "s are"));
  return out;
}

bool read_options(const Invocation& call, Options& o) {
  bool passes = false;
  CommandLine line(
      call, "duel",
      "Times every kernel on the layers of a model, or on a file of problems, and judges each result by its "
      "error budget. Exits with 5 when one is over it.");
  line.positional("MODEL", "article, lenet5, mlp, vgg-small, a .toml file, or a file of problems (article)",
                  o.what, false);
  line.option("--backend", "A,B",
              fmt::format("backends, each with all its kernels (auto): {}", join(backend_names(), ", ")),
              [&](const std::string& v) { o.backend = v; });
  line.option(
      "--kernel", "FILE,FILE",
      "your own CUDA kernels beside the others (kernels/own/kernel.h says how, tools/my_kernel shows it): "
      "compiled for an emulated GPU, on the CPU, which checks them and says nothing about speed",
      [&](const std::string& v) { o.kernels = split(v, ','); });
  line.option("--kernel-limit", "SECONDS", "that a call of such a kernel may take (60)",
              [&](const std::string& v) { o.kernel_limit = parse_whole("--kernel-limit", v, 1, 1000000); });
  line.option("--baseline", "NAME",
              "what ratios are against: a backend's best kernel, or one kernel (the last backend that "
              "computes as the "
              "first does)",
              [&](const std::string& v) { o.duel.baseline = v; });
  line.option("--pass", "A,B", "fprop, dgrad, wgrad (all)",
              [&](const std::string& v) { o.duel.passes = parse_passes(v), passes = true; });
  line.option(
      "--workspace", "A,B",
      "caps on a call's workspace, such as 0,64MiB,1GiB: under each, who needs more is passed over, and "
      "cudnn chooses by it (none)",
      [&](const std::string& v) { o.workspace_caps = parse_caps(v); });
  line.option("--input", "HxWxC", "a model's input (its own)",
              [&](const std::string& v) { o.input = parse_input("--input", v); });
  line.option("--classes", "N", "a model's classes (its own)",
              [&](const std::string& v) { o.classes = parse_whole("--classes", v, 2, 1 << 24); });
  line.option("--batch", "N", "samples (a model 32, a file its own)",
              [&](const std::string& v) { o.batch = parse_whole("--batch", v, 1, 1000000); });
  line.option("--filter", "TEXT", "only problems of this tag or class, or with this in their name",
              [&](const std::string& v) { o.filter = v; });
  line.option("--scale", "GFLOP", "cut every problem down, N first, until a pass is at most that much (off)",
              [&](const std::string& v) { o.scale = parse_number("--scale", v, 0, 1e9, true); });
  line.option(
      "--time", "SECONDS", "for the repetitions of one problem and pass, all candidates together (1)",
      [&](const std::string& v) { o.duel.repetitions.seconds = parse_number("--time", v, 0, 1e6, true); });
  line.option("--seed", "N", "of the random inputs (0)", [&](const std::string& v) {
    o.duel.seed = uint64_t(parse_whole("--seed", v, 0, int64_t{1} << 53));
  });
  line.option("--json", "FILE", "write every number as one JSON object; - prints it instead of the table",
              [&](const std::string& v) { o.json = v; });
  line.option("--html", "FILE", "write a page with charts", [&](const std::string& v) { o.html = v; });
  line.option("--replay", "FILE",
              "run the case that train --shadow saved, on its inputs, and say which backends are wrong",
              [&](const std::string& v) { o.replay = v; });
  if (!line.parse()) return false;
  if (!o.replay.empty())
    for (const auto& [given, name] : {std::pair{!o.what.empty(), "a MODEL"},
                                      {o.batch > 0, "--batch"},
                                      {o.input.rank() > 0, "--input"},
                                      {o.classes > 0, "--classes"},
                                      {!o.filter.empty(), "--filter"},
                                      {o.scale > 0, "--scale"},
                                      {passes, "--pass"}})
      if (given) fail(ErrorCode::usage, "--replay", "does not go with {}: all is in its file", name);
  if (o.what.empty()) o.what = o.replay.empty() ? "article" : o.replay;
  return true;
}

}  // namespace

int duel_command(const Invocation& call) {
  Options o;
  if (!read_options(call, o)) return 0;
  const auto oracle = make_library("reference", 0);
  Backends backends = parse_backends(o.backend, o.workspace_caps[0]);
  if (o.duel.baseline.empty()) o.duel.baseline = default_baseline(backends);
  add_kernels(backends, o);
  DuelReport report;
  std::vector<DuelProblem> problems =
      o.replay.empty() ? problems_of(o, *oracle) : replayed(o, *oracle->backends()[0], report.notes);
  if (!o.filter.empty()) filter(problems, o.filter);
  if (o.scale > 0)
    for (DuelProblem& p : problems) scale_down(p, o.scale * 1e9);
  check_writable("--json", o.json);
  check_writable("--html", o.html);

  report.title = o.what.substr(o.what.rfind('/') + 1);
  report.command = command_text(call);
  report.machine = machine_text(backends);
  const double load = load_average();
  Duel duel;
  {
    StatusLine progress(stderr, ::isatty(STDERR_FILENO));
    o.duel.progress = [&](const std::string& text) { progress.show(text); };
    std::vector<Duel> duels;
    for (const auto& cap : o.workspace_caps) {
      o.duel.workspace_cap = cap;
      duels.push_back(run_duel(problems, duels.empty() ? backends : parse_backends(o.backend, cap),
                               *oracle->backends()[0], o.duel));
    }
    duel = merged(std::move(duels));
  }
  report.duel = &duel;
  const std::vector<std::string> said = notes(o, duel, load);
  report.notes.insert(report.notes.end(), said.begin(), said.end());
  if (!o.html.empty()) write_text(o.html, duel_html(report));
  if (o.json == "-")
    print_json(duel_json(report));
  else
    std::fputs(duel_text(report).c_str(), stdout);
  if (!o.json.empty() && o.json != "-")
    write_text(
        o.json,
        duel_json(report).dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
  return duel.right() ? 0 : int(ErrorCode::numeric);
}

}  // namespace gabor
