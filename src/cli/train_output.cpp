#include "cli/train_output.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "cli/augment_option.h"
#include "cli/bottleneck.h"
#include "cli/eval_output.h"
#include "cli/plan_output.h"
#include "cli/precision.h"
#include "core/error.h"
#include "core/text.h"

namespace gabor {
namespace {

// Layers that the first backend of the list does not run, with its reason; each reason once.
std::string passed_over(const Plan& plan) {
  std::string out;
  std::set<std::string> said;
  for (const ChoiceRecord& c : plan.choices)
    if (!c.passed_over.empty() && said.insert(c.op + c.passed_over[0]).second)
      out += fmt::format("         {} runs on {}: {}\n", c.where, c.backend, join(c.passed_over, "; "));
  return out;
}

// Passes that run on another backend than the first of the list because that is faster.
std::string measured(const Plan& plan) {
  std::string out;
  for (const ChoiceRecord& c : plan.choices)
    if (!c.measured.empty()) out += fmt::format("         {}: {}, {}\n", c.where, c.backend, c.measured);
  return out;
}

// One line for each kind of fusion, with the layers it was made in.
std::string fusions(const Plan& plan) {
  std::vector<std::pair<std::string, std::string>> groups;  // what, layers
  for (const std::string& f : plan.fusions) {
    const size_t colon = f.find(": ");
    const std::string layer = f.substr(0, colon), what = colon == std::string::npos ? f : f.substr(colon + 2);
    const auto at =
        std::find_if(groups.begin(), groups.end(), [&](const auto& g) { return g.first == what; });
    if (at == groups.end())
      groups.emplace_back(what, layer);
    else
      at->second += ", " + layer;
  }
  std::string out;
  for (const auto& [what, layers] : groups) out += fmt::format("         fused {}: {}\n", layers, what);
  return out;
}

std::string class_counts(const DataSplits& d) {
  const auto& classes = d.dataset->classes();
  std::vector<int64_t> n(classes.size());
  for (const auto* part : {&d.train, &d.val, &d.test})
    for (uint32_t i : *part) n[size_t(d.dataset->label(i))]++;
  std::vector<std::string> parts;
  for (size_t k = 0; k < classes.size() && k < 12; k++)
    parts.push_back(fmt::format("{} {}", printable(classes[k]), n[k]));
  if (classes.size() > 12) parts.push_back("...");
  return join(parts, ", ");
}

// " in micro-batches of 32 (--vram 2GB)"
std::string micro_batches(const TrainSettings& s) {
  if (s.train.samples_at_once() == s.train.batch) return "";
  return fmt::format(" in micro-batches of {}{}", s.train.samples_at_once(),
                     s.vram.empty() ? "" : " (--vram " + s.vram + ")");
}

std::string or_dash(double v) { return std::isnan(v) ? "-" : fmt::format("{:.4f}", v); }

std::string epoch_table(const std::vector<EpochRecord>& epochs, int best) {
  std::string out = fmt::format("{:>5}  {:>10}  {:>9}  {:>8}  {:>7}  {:>9}  {}\n", "epoch", "train loss",
                                "train acc", "val loss", "val acc", "images/s", "time");
  for (const EpochRecord& e : epochs)
    out += fmt::format("{:>5}  {:>10.4f}  {:>9.4f}  {:>8}  {:>7}  {:>9.0f}  {}{}\n", e.epoch, e.train_loss,
                       e.train_acc, or_dash(e.val_loss), or_dash(e.val_acc), e.images_per_s,
                       human_seconds(e.seconds), e.epoch == best ? "  best" : "");
  return out;
}

int best_epoch(const TrainOutcome& o) { return o.result.progress.best_epoch + 1; }

// Two steps of a dry run tell nothing.
std::string pace_text(const TrainOutcome& o) {
  if (o.folder.empty()) return "";
  return bottleneck_text(o.epochs, !o.settings->train.cache && o.data->dataset->stamp());
}

}  // namespace

std::string train_header(const DataSplits& d, const TrainSettings& s, const Plan& plan,
                         const Library& library, const std::string& input_reason, const std::string& cache,
                         const std::string& pictures, const std::string& folder) {
  std::string out = fmt::format("data     {}: {} classes ({})\n",
                                s.data.empty() ? "the embedded demo set" : printable(s.data),
                                d.dataset->classes().size(), class_counts(d));
  out += fmt::format("         {} training, {} validation, {} test pictures; {}\n",
                     with_commas(int64_t(d.train.size())), with_commas(int64_t(d.val.size())),
                     with_commas(int64_t(d.test.size())), d.split_note);
  out += fmt::format("model    {}: {} layers, {} parameters\n", printable(plan.graph.name),
                     plan.graph.layers.size(), with_commas(plan.parameter_count()));
  out += fmt::format("input    {}: {}\n", plan.options.input.str(), input_reason);
  if (s.train.augment != AugmentSpec{}) out += fmt::format("augment  {}\n", augment_text(s.train.augment));
  out += fmt::format("cache    {}\n", cache);
  out += fmt::format("pictures {}\n", pictures);
  out += fmt::format("backend  {} on {}; {} for activations at batch {}{}\n",
                     join(library.names(), ", then "), library.device().name(),
                     human_bytes(double(plan.memory.arena_bytes + plan.memory.workspace_bytes)),
                     s.train.batch, micro_batches(s));
  if (const std::string again = recompute_text(plan); !again.empty())
    out += fmt::format("again    {}\n", again);
  if (const std::string math = precision_text(precision_use(plan, library), library.device().name());
      !math.empty())
    out += fmt::format("math     {}\n", math);
  for (const std::string& note : library.notes()) out += fmt::format("         not {}\n", note);
  out += fusions(plan) + passed_over(plan) + measured(plan);
  if (!s.shadow.backend.empty())
    out += fmt::format("shadow   {} checks every {} steps, from the same inputs op by op\n", s.shadow.backend,
                       s.shadow.every);
  return out +
         fmt::format("run      {}\n", folder.empty() ? "nothing is saved (--dry-run)" : printable(folder));
}

std::string train_footer(const TrainOutcome& o) {
  const Progress& p = o.result.progress;
  const std::string folder = shell_quoted(o.folder), program = shell_quoted(o.program);
  std::string out = o.epochs.empty() ? "" : "\n" + epoch_table(o.epochs, best_epoch(o));
  if (o.result.stopped)
    out += fmt::format(
        "\nstopped in epoch {} of {} after {} steps; everything is saved. To go on:\n  {} train --resume "
        "{}\n",
        p.epoch + 1, o.settings->train.epochs, p.step, program, folder);
  if (best_epoch(o) > 0 && !o.data->val.empty())
    out += fmt::format("\nbest     epoch {}, validation accuracy {:.4f}\n", best_epoch(o), p.best_val_acc);
  if (o.test)
    out +=
        fmt::format("test     accuracy {:.4f} ({} of {} pictures), loss {:.4f}, with the best checkpoint\n",
                    o.test->accuracy(), o.test->correct, o.test->samples, o.test->loss);
  if (const std::string pace = pace_text(o); !pace.empty()) out += "pace     set by " + pace + "\n";
  if (o.shadow) {
    out += fmt::format("shadow   {}: {}\n", o.shadow->backend, printable(o.shadow->text()));
    for (const std::string& what : o.shadow->unchecked)
      out += fmt::format("         not checked: {}\n", printable(what));
  }
  if (o.folder.empty())
    return out + fmt::format("dry run  {} steps done; nothing was saved\n", p.global_step);
  out += fmt::format(
      "report   {}/report.html\nsaved    {}/best.safetensors, last.safetensors, config.toml, metrics.csv\n",
      printable(o.folder), printable(o.folder));
  const std::string data = o.settings->data.empty() ? o.folder + "/demo" : o.settings->data;
  const std::string picture = o.settings->data.empty() ? o.folder + "/demo/cat/0000.jpg" : "picture.jpg";
  if (best_epoch(o) > 0)
    out += fmt::format("next     {0} eval {1} {2}\n         {0} predict {1} {3}\n", program, folder,
                       shell_quoted(data), shell_quoted(picture));
  return out;
}

nlohmann::ordered_json train_json(const TrainOutcome& o) {
  const Progress& p = o.result.progress;
  nlohmann::ordered_json j = {{"run", o.folder},
                              {"model", o.plan->graph.name},
                              {"parameters", o.plan->parameter_count()},
                              {"classes", o.data->dataset->classes()},
                              {"train_samples", o.data->train.size()},
                              {"val_samples", o.data->val.size()},
                              {"test_samples", o.data->test.size()},
                              {"stopped", o.result.stopped},
                              {"steps", p.global_step}};
  if (best_epoch(o) > 0) j["best_epoch"] = best_epoch(o);
  if (best_epoch(o) > 0 && !o.data->val.empty()) j["best_val_acc"] = p.best_val_acc;
  j["epochs"] = nlohmann::ordered_json::array();
  for (const EpochRecord& e : o.epochs)
    j["epochs"].push_back({{"epoch", e.epoch},
                           {"step", e.global_step},
                           {"train_loss", e.train_loss},
                           {"train_acc", e.train_acc},
                           {"val_loss", e.val_loss},  // NaN is written as null
                           {"val_acc", e.val_acc},
                           {"images_per_s", e.images_per_s},
                           {"data_wait_pct", e.data_wait_pct},
                           {"decode_ms", e.picture.decode_ms},  // of a picture; likewise
                           {"resize_ms", e.picture.resize_ms},
                           {"seconds", e.seconds}});
  if (o.shadow)
    j["shadow"] = {{"backend", o.shadow->backend},
                   {"checks", o.shadow->steps},
                   {"worst", o.shadow->worst},
                   {"unchecked", o.shadow->unchecked}};
  if (o.test) j["test"] = eval_json(*o.test, o.data->dataset->classes());
  if (!o.folder.empty()) {
    j["report"] = o.folder + "/report.html";
    j["best"] = o.folder + "/best.safetensors", j["last"] = o.folder + "/last.safetensors";
  }
  if (const std::string pace = pace_text(o); !pace.empty()) j["pace"] = pace;
  j["command"] = repeat_command(*o.settings, o.program);
  return j;
}

}  // namespace gabor
