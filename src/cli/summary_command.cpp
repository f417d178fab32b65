#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "backends/all.h"
#include "cli/commands.h"
#include "cli/eval_output.h"
#include "cli/model_argument.h"
#include "cli/option_values.h"
#include "model/summary.h"

namespace gabor {
namespace {

nlohmann::ordered_json to_json(const Plan& plan) {
  const Shape& in = plan.options.input;
  nlohmann::ordered_json j = {{"model", plan.graph.name},
                              {"input", {in[0], in[1], in[2]}},
                              {"classes", plan.graph.classes},
                              {"parameters", plan.parameter_count()},
                              {"trainable_parameters", plan.trainable_count()}};
  for (const LayerNote& l : plan.layers) {
    auto shape = nlohmann::ordered_json::array();
    for (int axis = 0; axis < l.output.rank(); axis++) shape.push_back(l.output[axis]);
    j["layers"].push_back({{"name", l.name},
                           {"type", l.type},
                           {"output", shape},
                           {"parameters", l.parameters},
                           {"remark", l.remark}});
  }
  return j;
}

}  // namespace

int summary_command(const Invocation& call) {
  std::string model;
  PlanOptions options;
  bool json = false;
  CommandLine line(call, "summary", "Shows the layers of a model: output shapes and parameters.");
  line.positional("MODEL", kModelHelp, model, true);
  line.option("--input", "HxWxC", "input: height, width, channels (the model's own)",
              [&](const std::string& v) { options.input = parse_input("--input", v); });
  line.option("--classes", "N", "classes (the model's own)",
              [&](const std::string& v) { options.classes = parse_whole("--classes", v, 1, 1 << 24); });
  line.flag("--json", "print one JSON object", json);
  if (!line.parse()) return 0;

  options.batch = 1;
  const Graph graph = model_argument(model, options.input);
  const Plan plan = compile(graph, *make_library("auto", 0), options);
  if (json)
    print_json(to_json(plan));
  else
    std::fputs(summary_text(plan).c_str(), stdout);
  return 0;
}

}  // namespace gabor
