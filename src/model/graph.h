// model: from a description to something that runs.
//   Graph (graph.h)          layers by name, from a TOML file, the C++ builder or the zoo
//   Plan (plan.h)            the graph compiled for one batch size and one library: steps, tensors, memory
//   Executor (executor.h)    a plan with memory: forward, backward
// graph.h: the description.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/shape.h"
#include "layers/layer_spec.h"

namespace gabor {

struct Graph {
  std::string name;
  std::string source;   // file name, "zoo:article" or the builder's name; for messages
  Shape input;          // H,W,C the model asks for; rank 0: any
  int64_t classes = 0;  // default number of classes; 0: must come from the data
  std::vector<LayerSpec> layers;
};

// Reads a model file (README, "Model files"). Throws Error{usage} naming source:line:column, with the nearest
// match for a misspelt key. Layers without a name get "<type>_<n>"; `repeat` and `block` are expanded.
Graph parse_model(std::string_view toml, const std::string& source);

// A name of the zoo, or a path to a .toml file. Throws Error{usage} with the nearest name, and says what a
// file is when it is clearly no model (a picture, a checkpoint).
Graph find_model(const std::string& name_or_path);
std::vector<std::string> zoo_names();

// The graph as a model file that parse_model reads back to the same graph (kept in checkpoints).
std::string to_toml(const Graph& graph);

// A text as a TOML string.
std::string toml_quoted(const std::string& text);

// Replaces units = "classes" by the number. Throws when a layer says "classes" and the number is not known.
Graph with_classes(const Graph& graph, int64_t classes);

}  // namespace gabor
