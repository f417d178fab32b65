#include "cli/train_input.h"

#include "core/error.h"

namespace gabor {
namespace {

constexpr ImageSize kFallback{96, 96};

// "" when the net takes an input of this size, else why not.
std::string misfit(const Graph& graph, const Library& library, const Dataset& dataset, const Shape& input) {
  PlanOptions o;
  o.batch = 1;
  o.input = input;
  o.classes = int64_t(dataset.classes().size());
  try {
    compile(graph, library, o);
    return "";
  } catch (const Error& e) {
    return e.what();
  }
}

struct Choice {
  ImageSize size;
  int channels = 3;
  const char* origin = "default";
  std::string reason;
};

Choice automatic(const Graph& graph, const Dataset& dataset, const Library& library) {
  const bool has_own = graph.input.rank() == 3;
  const Choice own = has_own ? Choice{{int(graph.input[0]), int(graph.input[1])},
                                      int(graph.input[2]),
                                      "model",
                                      "the model's own"}
                             : Choice{kFallback, dataset.channels(), "default",
                                      "neither the model nor the pictures have one size"};
  const auto native = dataset.native_size();
  if (!native) return own;
  Choice pictures{*native, dataset.channels(), "data", "the pictures' own"};
  const Shape input{native->height, native->width, dataset.channels()};
  if (has_own && input != graph.input) pictures.reason += "; the model's is " + graph.input.str();
  if (!has_own || input == graph.input) return pictures;
  const std::string why_not = misfit(graph, library, dataset, input);
  if (why_not.empty()) return pictures;
  Choice model = own;
  model.reason = fmt::format("the model's own; it does not fit the pictures' {} ({})", input.str(), why_not);
  return model;
}

}  // namespace

std::string choose_input(TrainSettings& s, const Graph& graph, const Dataset& dataset,
                         const Library& library) {
  const Choice a = automatic(graph, dataset, library);
  std::string reason = a.reason;
  if (s.size.height == 0)
    s.size = a.size, s.origin["size"] = a.origin;
  else
    reason = s.origin["size"] == "demo" ? "small, so that the demo is quick" : "as --size says";
  if (s.channels == 0) s.channels = a.channels, s.origin["channels"] = a.origin;
  s.train.preprocess.height = s.size.height, s.train.preprocess.width = s.size.width;
  s.train.preprocess.channels = s.channels;
  return reason;
}

}  // namespace gabor
