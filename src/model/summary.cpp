#include "model/summary.h"

#include <algorithm>

#include "core/error.h"
#include "core/text.h"

namespace gabor {

std::string summary_text(const Plan& plan) {
  size_t name = 5, type = 4, shape = 6;
  for (const LayerNote& l : plan.layers) {
    name = std::max(name, l.name.size());
    type = std::max(type, l.type.size());
    shape = std::max(shape, l.output.str().size());
  }
  std::string out = fmt::format("Model: {}\n", plan.graph.name);
  const std::string line(name + type + shape + 20, '-');
  out += fmt::format("{:<{}}  {:<{}}  {:>{}}  {:>14}\n{}\n", "Layer", name, "Type", type, "Output", shape,
                     "Parameters", line);
  for (const LayerNote& l : plan.layers)
    out += fmt::format("{:<{}}  {:<{}}  {:>{}}  {:>14}{}{}\n", l.name, name, l.type, type, l.output.str(),
                       shape, with_commas(l.parameters), l.remark.empty() ? "" : "  ", l.remark);
  const int64_t total = plan.parameter_count(), trainable = plan.trainable_count();
  out +=
      fmt::format("{}\nTotal parameters: {} ({})\nTrainable parameters: {}\nNon-trainable parameters: {}\n",
                  line, with_commas(total), human_bytes(double(total) * 4), with_commas(trainable),
                  with_commas(total - trainable));
  return out;
}

}  // namespace gabor
