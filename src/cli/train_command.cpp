#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "backends/all.h"
#include "cli/cache_choice.h"
#include "cli/commands.h"
#include "cli/eval_output.h"
#include "cli/memory_check.h"
#include "cli/output_file.h"
#include "cli/precision.h"
#include "cli/resident_choice.h"
#include "cli/run_folder.h"
#include "cli/stop_signal.h"
#include "cli/train_input.h"
#include "cli/train_output.h"
#include "cli/train_profile.h"
#include "cli/train_report.h"
#include "cli/train_settings.h"
#include "cli/train_shadow.h"
#include "cli/trained_model.h"
#include "cli/tuned_library.h"
#include "core/error.h"
#include "core/text.h"
#include "data/demo_set.h"
#include "report/log_jsonl.h"
#include "report/metrics_csv.h"
#include "report/observer_list.h"
#include "report/progress.h"
#include "report/tensorboard.h"

namespace gabor {
namespace {

namespace fs = std::filesystem;

struct Request {
  std::vector<std::pair<std::string, std::string>> given;  // settings by name, in order
  std::string data, out, resume, profile;
  bool dry_run = false, json = false, verify = true;
};

// Reads the command line; values are checked as they come. false: only help was wanted.
bool read(const Invocation& call, Request& r) {
  CommandLine line(call, "train",
                   "Trains a classifier. Without DATA: on drawn cats and dogs, to see it work.");
  TrainSettings checked;
  const auto give = [&](const std::string& name, const std::string& value) {
    apply_setting(checked, name, value, "option");
    r.given.emplace_back(name, value);
  };
  line.positional("DATA", "folder of class folders, .tar of one, MNIST or CIFAR-10 folder, or .csv", r.data,
                  false);
  for (const Setting& s : train_setting_table()) {
    if (s.help.empty()) continue;
    if (s.kind == SettingKind::flag)
      line.flag("--" + s.name, s.help, [&, name = s.name] { give(name, "true"); });
    else
      line.option("--" + s.name, s.placeholder, s.help,
                  [&, name = s.name](const std::string& v) { give(name, v); });
  }
  line.option("--set", "KEY=VALUE", "any of the options above, e.g. --set lr=0.01",
              [&](const std::string& v) {
                const auto [name, value] = split_assignment(v);
                give(name, value);
              });
  line.flag("--flip", "the same as --augment flip: mirror half of the training pictures",
            [&] { give("augment", "flip"); });
  line.flag("--no-cache", "the same as --cache none", [&] { give("cache", "none"); });
  line.option("--out", "DIR", "run folder (runs/MODEL-DATA-N)", [&](const std::string& v) { r.out = v; });
  line.option("--resume", "DIR", "go on with the run of this folder",
              [&](const std::string& v) { r.resume = v; });
  line.option("--profile", "FILE",
              fmt::format("write a timeline of the first {} steps, for chrome://tracing or ui.perfetto.dev; "
                          "on a GPU NVTX ranges too, for Nsight Systems",
                          TrainProfile::kSteps),
              [&](const std::string& v) { r.profile = v; });
  line.flag("--no-verify", "with --resume: skip the checkpoint's self-test", [&] { r.verify = false; });
  line.flag("--dry-run", "two steps, nothing saved", r.dry_run);
  line.flag("--json", "print one JSON object instead of text", r.json);
  if (!line.parse()) return false;
  if (!r.data.empty()) r.given.emplace_back("data", r.data);
  if (!r.resume.empty() && !r.out.empty())
    fail(ErrorCode::usage, "--out", "does not go with --resume: a resumed run goes on in its own folder");
  if (!r.resume.empty() && r.dry_run) fail(ErrorCode::usage, "--dry-run", "does not go with --resume");
  return true;
}

// What the demo set is trained with: ends within a minute on two cores.
TrainSettings demo_settings() {
  TrainSettings s;
  for (const auto& [name, value] : {std::pair{"size", "64x64"}, {"epochs", "6"}, {"batch", "32"}})
    apply_setting(s, name, value, "demo");
  return s;
}

TrainSettings fresh_settings(const Request& r) {
  TrainSettings s = r.data.empty() ? demo_settings() : TrainSettings{};
  for (const auto& [name, value] : r.given) apply_setting(s, name, value, "option");
  return s;
}

TrainSettings resumed_settings(const Request& r, const Checkpoint& checkpoint, const std::string& where) {
  TrainSettings s = settings_from_config(checkpoint.info().config, where);
  for (const auto& [name, value] : r.given) {
    const std::string before = setting_value(s, name);
    apply_setting(s, name, value, "option, on resuming");
    // Another path is fine as long as the data is the same, which the trainer checks by its fingerprint.
    const bool free = name == "epochs" || name == "threads" || name == "shadow" || name == "data" ||
                      name == "resident" || name.starts_with("cache");
    if (free || setting_value(s, name) == before) continue;
    fail(ErrorCode::usage, "--" + name,
         "is '{}' in this run; a resumed run keeps its options (--epochs, --threads, --cache, --resident and "
         "--shadow may change)",
         printable(before));
  }
  return s;
}

// What the run writes lies elsewhere than what it reads.
void check_outputs(const Request& r, const TrainSettings& s) {
  const std::vector<std::string> data = {s.data, s.split.val_path};
  const bool saves = !r.dry_run && r.resume.empty();
  if (saves) check_outside_data("--out", r.out.empty() ? kRunsFolder : r.out, data);
  check_outside_data("--profile", r.profile, data);
  check_outside_data("--tuning", s.tuning, data);
  check_writable("--profile", r.profile);
}

std::string run_name(const Graph& graph, const TrainSettings& s) {
  std::string model = fs::path(graph.name).filename().string();
  if (model.ends_with(".toml")) model.resize(model.size() - 5);
  fs::path data = fs::path(s.data).lexically_normal();
  if (!data.has_filename()) data = data.parent_path();
  std::string name = data.filename().string();
  if (name.ends_with(".tar") || name.ends_with(".csv")) name.resize(name.size() - 4);
  return path_name(model) + "-" + (s.data.empty() ? "demo" : path_name(name));
}

PlanOptions whole_options(const TrainSettings& s, int64_t classes) {
  PlanOptions o;
  o.batch = s.train.batch;
  o.input = {s.size.height, s.size.width, s.channels ? s.channels : 3};
  o.classes = classes;
  return o;
}

// Compiles the net as it will be trained, so that what does not fit, in shape or in memory, is refused before
// anything is drawn, allocated or saved; and chooses the micro-batch, and what is computed again, where --vram asks
// for it. resident: pictures that have to fit on the device.
Plan fit_model(TrainSettings& s, const Graph& graph, const Library& library, int64_t classes,
               int64_t resident = 0) {
  PlanOptions o = whole_options(s, classes);
  TrainingMemory memory = fit_memory(s, graph, library, o, resident);
  if (library.device().kind() != DeviceKind::host) memory.resident = 0;  // not in the machine's memory
  check_memory(memory.limited(DeviceKind::host), machine_bytes());
  o.batch = s.train.samples_at_once();
  o.arena_limit = s.train.arena_limit;
  return compile(graph, library, o);
}

ProgressStyle progress_style() {
  ProgressStyle style;
  const char* terminal = std::getenv("TERM");
  style.terminal = isatty(STDERR_FILENO) && terminal && std::string_view(terminal) != "dumb";
  style.color = style.terminal && !std::getenv("NO_COLOR");
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) style.columns = size.ws_col;
  return style;
}

// The best checkpoint on the test part, which nothing was chosen by.
EvalResult test_result(const std::string& folder, const DataSplits& data, const TrainSettings& s,
                       const std::shared_ptr<const Library>& library) {
  TrainedModel best(folder, std::min(s.train.samples_at_once(), 64), library);
  LoaderOptions loading;
  loading.threads = s.train.loader_threads;
  loading.max_bad = s.train.max_bad;
  loading.cache = s.train.cache;
  return best.evaluate(data.dataset, data.test, loading);
}

// A run goes on only where pictures are prepared, and the net computed, as they were before.
void check_resumed(const Checkpoint& checkpoint, const Request& r, const TrainSettings& s,
                   const Dataset& dataset, const std::shared_ptr<const Library>& library) {
  const CheckpointInfo& info = checkpoint.info();
  if (info.preprocess != s.train.preprocess)
    fail(ErrorCode::checkpoint, r.resume,
         "its preprocessing is {} but its options say {}: the file was changed", to_json(info.preprocess),
         to_json(s.train.preprocess));
  if (info.classes != dataset.classes())
    fail(ErrorCode::checkpoint, r.resume, "its classes ({}) are not those of the data ({})",
         printable(join(info.classes, ", ")), printable(join(dataset.classes(), ", ")));
  if (r.verify) TrainedModel(r.resume + "/last.safetensors", 1, library).verify();
}

TrainResult run(Trainer& trainer, const StopSignal& stop, const TrainShadow* shadow) try {
  return trainer.run(stop.flag());
} catch (const Error&) {
  if (shadow) shadow->check();
  throw;
}

int train(const Invocation& call, const Request& request) {
  std::optional<RunFolder> folder;
  std::optional<Checkpoint> resumed, init;
  TrainSettings s;
  if (request.resume.empty()) {
    s = fresh_settings(request);
  } else {
    folder.emplace(RunFolder::existing(request.resume));
    resumed.emplace(folder->path() + "/last.safetensors");
    s = resumed_settings(request, *resumed, request.resume);
  }
  check_outputs(request, s);
  std::shared_ptr<const Library> library =
      std::make_shared<Library>(make_library(s.backend, s.threads)->in_precision(s.precision));
  const Graph graph = resumed ? resumed->info().graph : find_model(s.model);
  if (!s.init.empty() && !resumed) init.emplace(checkpoint_path(s.init));
  if (!resumed && !request.dry_run) folder.emplace(request.out, run_name(graph, s));

  const std::string out = folder ? folder->path() : "";
  if (!s.shadow.backend.empty() && library->storage() != DType::f32)
    fail(ErrorCode::usage, "--shadow",
         "does not go with --precision {}: a second backend has no tensors of 16 bits to check; use fp32 or "
         "tf32",
         s.precision);
  std::optional<TrainShadow> shadow;
  if (!s.shadow.backend.empty()) shadow.emplace(s, *library, out);
  if (shadow && !request.profile.empty())
    fail(ErrorCode::usage, "--profile", "does not go with --shadow, whose checks take most of the time");
  if (s.data.empty() && !resumed && !request.json)
    fmt::print(
        "No DATA given: drawing cats and dogs and training on these. Own photos: {} train FOLDER, with one "
        "folder a class in it.\n",
        call.program);
  std::optional<ScratchFolder> scratch;
  if (s.data.empty()) {
    TrainSettings trial = s;
    fit_model(trial, graph, *library, 2);
  }
  if (s.data.empty() && !folder) scratch.emplace();
  const DataSplits data = s.data.empty()
                              ? make_demo_set((folder ? out : scratch->path()) + "/demo", {}, s.split)
                              : open_data(s.data, s.split);
  if (resumed && resumed->info().data_fingerprint != data.fingerprint)
    fail(ErrorCode::checkpoint, request.resume,
         "was trained on other data than {}: files, labels or split differ", printable(s.data));
  const std::string input_reason = choose_input(s, graph, *data.dataset, *library);
  if (resumed) check_resumed(*resumed, request, s, *data.dataset, library);
  const int64_t classes = int64_t(data.dataset->classes().size());
  const int64_t demanded = demanded_pictures(s, data);
  const Plan untuned = fit_model(s, graph, *library, classes, demanded);
  if (folder) {  // a dry run saves nothing, measurements neither
    library = tuned_library(library, untuned, s, resumed.has_value(), progress_style().terminal);
    fit_model(s, graph, *library, classes, demanded);  // another kernel may want another workspace
    if (shadow) shadow.emplace(s, *library, out);
  }
  DataSplits used = data;
  if (request.dry_run) {
    s.train.max_steps = 2;
    used.val.resize(std::min(used.val.size(), size_t(s.train.batch)));
  }
  std::vector<uint32_t> each_epoch = used.train;
  each_epoch.insert(each_epoch.end(), used.val.begin(), used.val.end());
  if (request.dry_run || s.train.overfit > 0) each_epoch.clear();  // too few for a file that is of use later
  const CacheChoice cache = choose_cache(s, *data.dataset, each_epoch);
  s.train.cache = cache.cache;
  PlanOptions planned = whole_options(s, classes);
  planned.arena_limit = s.train.arena_limit;
  const ResidentChoice resident =
      choose_resident(s,
                      training_memory(graph, *library, planned, s.train.samples_at_once(),
                                      s.train.optimizer.moments(), resident_pictures(s, used)),
                      library->device());
  s.train.resident = resident.resident;
  s.train.loader_threads = s.threads > 1 ? s.threads - 1 : s.threads;
  s.train.out = out;
  s.train.config_text = config_toml(s, call.program);

  ProgressLine progress(stderr, progress_style());
  RunRecorder recorder;
  std::optional<MetricsCsv> metrics;
  std::optional<LogJsonl> log;
  std::optional<TensorBoard> board;
  ObserverList observers;
  observers.add(progress);
  observers.add(recorder);
  if (folder)
    observers.add(metrics.emplace(out)), observers.add(log.emplace(out)), observers.add(board.emplace(out));

  std::optional<TrainProfile> profile;
  if (!request.profile.empty()) observers.add(profile.emplace());
  if (shadow) observers.add(*shadow);
  if (shadow && log) shadow->write_to(*log);
  Trainer trainer(graph, used, s.train, shadow ? shadow->library() : *library, observers,
                  resumed ? &*resumed : nullptr, init ? &*init : nullptr);
  if (folder) write_text(out + "/config.toml", s.train.config_text);
  if (!request.json) {
    fmt::print("{}\n", train_header(data, s, trainer.plan(), *library, input_reason,
                                    (cache.cache ? "" : "none: ") + cache.text, resident.text, out));
    std::fflush(stdout);
  } else if (const PrecisionUse use = precision_use(trainer.plan(), *library);
             use.lower == 0 && use.precision != "fp32") {
    fmt::print(stderr, "gabor: {}\n", precision_text(use, library->device().name()));
  }

  StopSignal stop;
  if (shadow) shadow->on_breach([&stop] { stop.request(); });
  TrainOutcome outcome{call.program,    out, {}, run(trainer, stop, shadow ? &*shadow : nullptr), {}, &data,
                       &trainer.plan(), &s};
  if (shadow) outcome.shadow = shadow->summary();
  if (profile) write_text(request.profile, profile->trace().json());
  outcome.epochs = folder ? read_metrics(out) : outcome.result.epochs;
  if (folder && !outcome.result.stopped && !data.test.empty()) {
    outcome.test = test_result(out, data, s, library);
    log->test_result(*outcome.test);
  }
  if (folder) {
    const Progress& p = outcome.result.progress;
    log->end(outcome.result.stopped, p.best_epoch + 1, p.best_val_acc);
    write_report(outcome, recorder, trainer.parameters());
  }
  if (request.json)
    print_json(train_json(outcome));
  else
    fmt::print("{}", train_footer(outcome));
  if (shadow) shadow->check();
  return outcome.result.stopped ? stop.exit_code() : 0;
}

}  // namespace

int train_command(const Invocation& call) {
  Request request;
  return read(call, request) ? train(call, request) : 0;
}

}  // namespace gabor
