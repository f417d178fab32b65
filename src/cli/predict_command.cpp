#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <numeric>

#include "backends/all.h"
#include "cli/commands.h"
#include "cli/eval_output.h"
#include "cli/option_values.h"
#include "cli/trained_model.h"
#include "core/error.h"
#include "core/text.h"
#include "data/decode.h"
#include "data/file.h"

namespace gabor {
namespace {

struct PredictOptions {
  std::string checkpoint, backend = "auto";
  std::vector<std::string> images;
  int top = 0, threads = 0;  // top 0: two, or all where there are no more than two
  bool verify = true, json = false;
};

// Class probabilities of one picture file.
std::vector<float> predict(TrainedModel& model, const std::string& path, std::vector<uint8_t>& pixels) {
  const DecodeLimits limits;
  const Preprocess& p = model.info().preprocess;
  const auto bytes = read_file(path, uint64_t(limits.max_file_bytes));
  Image image;
  decode(bytes, printable(path), p.channels, limits, image, decode_size(p.resize, p.height, p.width));
  pixels.resize(size_t(p.height) * size_t(p.width) * size_t(p.channels));
  resize(image, p.height, p.width, p.resize, pixels.data());
  const int32_t no_label = -1;
  model.executor().forward({pixels.data(), {1, p.height, p.width, p.channels}, DType::u8},
                           {&no_label, {1}, DType::i32}, 0, {});
  const TensorView out = model.executor().output();
  std::vector<float> probabilities(model.info().classes.size());
  model.executor().device().copy_from(probabilities.data(), out.data, probabilities.size() * sizeof(float));
  return probabilities;
}

void print(const PredictOptions& o, const std::string& image, const std::vector<std::string>& classes,
           const std::vector<float>& probabilities, nlohmann::ordered_json& list) {
  std::vector<size_t> order(probabilities.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return probabilities[a] > probabilities[b]; });
  order.resize(std::min(order.size(), size_t(o.top > 0 ? o.top : 2)));
  if (o.json) {
    nlohmann::ordered_json top;
    for (size_t k : order) top.push_back({{"class", classes[k]}, {"probability", probabilities[k]}});
    list.push_back({{"image", image}, {"predictions", top}});
    return;
  }
  std::vector<std::string> parts;
  for (size_t k : order) parts.push_back(fmt::format("{} {:.2f}", printable(classes[k]), probabilities[k]));
  fmt::print("{}: {}\n", printable(image), join(parts, ", "));
}

}  // namespace

int predict_command(const Invocation& call) {
  PredictOptions o;
  CommandLine line(call, "predict", "Names the class of pictures.");
  line.positional("CHECKPOINT", "a .safetensors file, or a run folder (its best checkpoint)", o.checkpoint,
                  true);
  line.positionals("IMAGE", "JPEG, PNG, BMP or WebP files", o.images);
  line.option("--top", "K", "classes to show for each picture (2)",
              [&](const std::string& v) { o.top = int(parse_whole("--top", v, 1, 1'000'000)); });
  line.option("--backend", "NAME", "auto, cpu, reference (auto)",
              [&](const std::string& v) { o.backend = v; });
  line.option("--threads", "N", "0: all the machine has (0)",
              [&](const std::string& v) { o.threads = int(parse_whole("--threads", v, 0, 1024)); });
  line.flag("--no-verify", "skip the checkpoint's self-test", [&] { o.verify = false; });
  line.flag("--json", "print one JSON object", o.json);
  if (!line.parse()) return 0;

  TrainedModel model(o.checkpoint, 1, make_library(o.backend, o.threads));
  if (o.verify) model.verify();
  std::vector<uint8_t> pixels;
  auto list = nlohmann::ordered_json::array();
  int failures = 0;
  for (const std::string& image : o.images) try {
      print(o, image, model.info().classes, predict(model, image, pixels), list);
    } catch (const Error& e) {  // one bad picture does not keep the others from being named
      if (e.code() != ErrorCode::data) throw;
      failures++;
      std::fflush(stdout);
      fmt::print(stderr, "gabor: error: {}\n", e.what());
      if (o.json) list.push_back({{"image", image}, {"error", e.what()}});
    }
  if (o.json) print_json({{"checkpoint", model.path()}, {"images", list}});
  return failures ? int(ErrorCode::data) : 0;
}

}  // namespace gabor
