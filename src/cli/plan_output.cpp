#include "cli/plan_output.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "cli/precision.h"
#include "core/error.h"
#include "core/text.h"
#include "model/step_cost.h"

namespace gabor {
namespace {

std::string bytes_or_dash(double bytes) { return bytes == 0 ? "-" : human_bytes(bytes); }

std::string operations(int64_t flops) {
  return flops == 0 ? "-" : fmt::format("{:.3g}", double(flops) / 1e9);
}

// One line of the table; numbers to the right.
std::string line(const std::array<std::string, 9>& cells, const std::array<size_t, 9>& width) {
  std::string out;
  for (size_t i = 0; i < cells.size(); i++) {
    const bool right = i >= 2 && i <= 6;
    out += right ? fmt::format("{:>{}}  ", cells[i], width[i]) : fmt::format("{:<{}}  ", cells[i], width[i]);
  }
  out.erase(out.find_last_not_of(' ') + 1);
  return out + "\n";
}

std::string step_table(const Plan& plan) {
  std::vector<std::array<std::string, 9>> rows = {
      {"Layer", "Op", "Output", "Kept", "GFLOP", "Moved", "Workspace", "Backend", "Fused"}};
  int64_t kept = 0, flops = 0, moved = 0;
  for (const StepCost& c : step_costs(plan)) {
    rows.push_back({c.layer, c.op, c.output.str(), c.again ? "again" : bytes_or_dash(double(c.kept_bytes)),
                    operations(c.flops), bytes_or_dash(double(c.moved_bytes)),
                    bytes_or_dash(double(c.workspace_bytes)), c.backend, c.fused});
    kept += c.kept_bytes, flops += c.flops, moved += c.moved_bytes;
  }
  rows.push_back({"total", "", "", bytes_or_dash(double(kept)), operations(flops),
                  bytes_or_dash(double(moved)), "", "", ""});
  std::array<size_t, 9> width{};
  for (const auto& row : rows)
    for (size_t i = 0; i < row.size(); i++) width[i] = std::max(width[i], row[i].size());
  std::string out;
  for (const auto& row : rows) out += line(row, width);
  return out;
}

std::string peak_text(const PlannedRun& run) {
  const TrainingMemory& m = run.memory;
  return fmt::format(
      "peak     {} a step: {} arena, {} workspace, {} parameters{}, gradients and moments, {} pictures\n"
      "eager    {} for the same step where nothing is fused and every value keeps bytes of its own ({:.1f} "
      "times as much)\n",
      human_bytes(m.step()), human_bytes(m.arena), human_bytes(m.workspace), human_bytes(m.parameters),
      run.plan->mixed.cast ? ", their 16-bit copy" : "", human_bytes(m.images), human_bytes(run.eager_step()),
      run.eager_step() / m.step());
}

std::string run_text(const PlannedRun& run) {
  const TrainingMemory& m = run.memory;
  std::string out =
      fmt::format("run      {} in all: the step, {} for validation",
                  human_bytes(m.limited(run.library->device().kind())), human_bytes(m.evaluation));
  if (m.backends > 0) out += fmt::format(", {} that the backends hold", human_bytes(m.backends));
  if (!run.on_host()) return out + ", their pictures\n";
  return out +
         fmt::format(
             ", {} of pictures made ahead, {} to save it\nprocess  about {}, with {} of code and libraries\n",
             human_bytes(m.loaders), human_bytes(m.saving), human_bytes(run.process()),
             human_bytes(run.resident));
}

}  // namespace

std::string recompute_text(const Plan& plan) {
  const RecomputeCost c = recompute_cost(plan);
  if (c.steps == 0) return "";
  return fmt::format(
      "{} of {} steps drop their results and run forward again: {:.1f} % more FLOPs, {:.1f} % more bytes "
      "moved",
      c.steps, plan.steps.size(), 100 * c.flops_share, 100 * c.moved_share);
}

double PlannedRun::eager_step() const {
  return eager + memory.parameters + memory.images * double(batch) / double(plan->options.batch);
}

double PlannedRun::process() const { return resident + memory.limited(DeviceKind::host); }

std::string plan_text(const PlannedRun& run) {
  const int64_t micro = run.plan->options.batch;
  std::string out = fmt::format("Model: {}, input {}, batch {}", run.plan->graph.name,
                                run.plan->options.input.str(), run.batch);
  if (micro != run.batch) out += fmt::format(" in micro-batches of {}", micro);
  if (!run.vram.empty()) out += ", within " + run.vram;
  const std::string device = run.library->device().name();
  out += fmt::format("\nBackend: {} on {}\n", join(run.library->names(), ", then "), device);
  if (const std::string math = precision_text(precision_use(*run.plan, *run.library), device); !math.empty())
    out += "Precision: " + math + "\n";
  out += "\n";
  out += step_table(*run.plan);
  if (micro != run.batch)
    out += fmt::format("(of one micro-batch, {} a step)\n", (run.batch + micro - 1) / micro);
  out += "\n" + peak_text(run);
  if (const std::string again = recompute_text(*run.plan); !again.empty()) out += "again    " + again + "\n";
  return out + run_text(run);
}

nlohmann::ordered_json plan_json(const PlannedRun& run) {
  const TrainingMemory& m = run.memory;
  const Shape& in = run.plan->options.input;
  nlohmann::ordered_json j = {{"model", run.plan->graph.name},
                              {"input", {in[0], in[1], in[2]}},
                              {"batch", run.batch},
                              {"micro_batch", run.plan->options.batch},
                              {"backends", run.library->names()},
                              {"device", run.library->device().name()}};
  const PrecisionUse math = precision_use(*run.plan, *run.library);
  j["precision"] = {
      {"asked", math.precision}, {"passes", math.lower}, {"of", math.of}, {"storage", name_of(math.storage)}};
  for (const StepCost& c : step_costs(*run.plan)) {
    auto shape = nlohmann::ordered_json::array();
    for (int axis = 0; axis < c.output.rank(); axis++) shape.push_back(c.output[axis]);
    j["steps"].push_back({{"layer", c.layer},
                          {"op", c.op},
                          {"output", shape},
                          {"again", c.again},
                          {"kept_bytes", c.kept_bytes},
                          {"flops", c.flops},
                          {"moved_bytes", c.moved_bytes},
                          {"workspace_bytes", c.workspace_bytes},
                          {"backend", c.backend},
                          {"fused", c.fused}});
  }
  const auto whole = [](double bytes) { return int64_t(bytes); };
  j["peak"] = {{"bytes", whole(m.step())},
               {"arena", whole(m.arena)},
               {"workspace", whole(m.workspace)},
               {"parameters", whole(m.parameters)},
               {"images", whole(m.images)}};
  const RecomputeCost again = recompute_cost(*run.plan);
  j["recompute"] = {
      {"steps", again.steps}, {"flops_share", again.flops_share}, {"moved_share", again.moved_share}};
  j["eager_bytes"] = whole(run.eager_step());
  j["run"] = {{"bytes", whole(m.limited(run.library->device().kind()))},
              {"evaluation", whole(m.evaluation)},
              {"backends", whole(m.backends)},
              {"loaders", whole(m.loaders)},
              {"saving", whole(m.saving)}};
  if (run.on_host()) j["process_bytes"] = whole(run.process());
  return j;
}

}  // namespace gabor
