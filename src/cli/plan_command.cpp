#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <set>

#include "backends/all.h"
#include "cli/commands.h"
#include "cli/eval_output.h"
#include "cli/machine.h"
#include "cli/memory_check.h"
#include "cli/model_argument.h"
#include "cli/option_values.h"
#include "cli/plan_output.h"
#include "cli/train_settings.h"
#include "model/step_cost.h"

namespace gabor {
namespace {

struct Request {
  std::string model;
  Shape input;
  int64_t classes = 0;
  TrainSettings settings;
  bool json = false;
};

bool read(const Invocation& call, Request& r) {
  CommandLine line(call, "plan",
                   "Shows what a training step will hold, compute and move, layer by layer. Nothing runs.");
  line.positional("MODEL", kModelHelp, r.model, true);
  line.option("--input", "HxWxC", "input: height, width, channels (the model's own)",
              [&](const std::string& v) { r.input = parse_input("--input", v); });
  line.option("--classes", "N", "classes (the model's own)",
              [&](const std::string& v) { r.classes = parse_whole("--classes", v, 1, 1 << 24); });
  const std::set<std::string> shared = {"batch",     "micro-batch", "vram",      "recompute",
                                        "optimizer", "backend",     "precision", "threads"};
  for (const Setting& s : train_setting_table())
    if (shared.count(s.name))
      line.option("--" + s.name, s.placeholder, s.help, [&r, name = s.name](const std::string& v) {
        apply_setting(r.settings, name, v, "option");
      });
  line.flag("--json", "print one JSON object", r.json);
  return line.parse();
}

}  // namespace

int plan_command(const Invocation& call) {
  Request r;
  if (!read(call, r)) return 0;
  TrainSettings& settings = r.settings;
  const Graph graph = model_argument(r.model, r.input);
  const auto library = std::make_shared<const Library>(
      make_library(settings.backend, settings.threads)->in_precision(settings.precision));
  PlanOptions options;
  options.batch = settings.train.batch;
  options.input = r.input;
  options.classes = r.classes;
  PlannedRun run;
  run.library = library.get();
  run.batch = options.batch;
  run.vram = settings.vram;
  run.resident = resident_bytes();
  run.eager = double(compile_eager(graph, *library, options).memory.arena_bytes);
  run.memory = fit_memory(settings, graph, *library, options);
  options.batch = settings.train.samples_at_once();
  options.arena_limit = settings.train.arena_limit;
  const Plan plan = compile(graph, *library, options);
  run.plan = &plan;
  if (r.json)
    print_json(plan_json(run));
  else
    std::fputs(plan_text(run).c_str(), stdout);
  return 0;
}

}  // namespace gabor
