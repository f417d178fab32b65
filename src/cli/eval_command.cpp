#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "backends/all.h"
#include "cli/cache_choice.h"
#include "cli/commands.h"
#include "cli/eval_output.h"
#include "cli/matched_dataset.h"
#include "cli/option_values.h"
#include "cli/train_settings.h"
#include "cli/trained_model.h"
#include "core/error.h"
#include "core/text.h"

namespace gabor {
namespace {

constexpr size_t kMaxNamed = 10;  // bad files

struct EvalOptions {
  std::string checkpoint, data, split = "auto", backend = "auto", cache = "auto";
  int batch = 64, threads = 0;
  double max_bad = 0.01;
  bool verify = true, json = false;
};

struct Selection {
  std::shared_ptr<const Dataset> dataset;
  std::vector<uint32_t> samples;
  std::string note;        // which part, and why
  std::string val_path{};  // of the data set's second source, if it has one
};

struct TrainingData {
  DataSplits splits;
  std::string val_path;
};

// The data set split as in training; only if it is the one that was trained on.
std::optional<TrainingData> training_data(const std::string& path, const CheckpointInfo& info,
                                          const std::string& where) {
  try {
    const SplitOptions split = settings_from_config(info.config, where).split;
    DataSplits d = open_data(path, split);
    if (d.fingerprint == info.data_fingerprint) return TrainingData{std::move(d), split.val_path};
  } catch (const Error&) {  // cannot be split like that, so it is another data set
  }
  return std::nullopt;
}

Selection everything(const DataSplits& d) {
  std::vector<uint32_t> all;
  for (const auto* part : {&d.train, &d.val, &d.test}) all.insert(all.end(), part->begin(), part->end());
  std::sort(all.begin(), all.end());
  return {d.dataset, std::move(all), "all pictures"};
}

Selection select(const EvalOptions& o, const CheckpointInfo& info, const std::string& where) {
  SplitOptions none;
  none.val_split = 0;
  const DataSplits d = open_data(o.data, none);
  if (o.split == "all") return everything(d);
  if ((o.split == "auto" || o.split == "test") && !d.test.empty())
    return {d.dataset, d.test, "the test part"};
  if (o.split == "test")
    fail(ErrorCode::data, printable(o.data), "has no test part; use --split val, train or all");
  const auto trained = training_data(o.data, info, where);
  if (o.split != "train") {
    if (trained && !trained->splits.val.empty())
      return {trained->splits.dataset, trained->splits.val, "the pictures that validated the training",
              trained->val_path};
    if (!d.val.empty()) return {d.dataset, d.val, "the val part"};
    if (o.split == "auto") return everything(d);
    fail(ErrorCode::data, printable(o.data),
         "has no val part, and it is not the data that the model was trained on; use --split all");
  }
  if (trained)
    return {trained->splits.dataset, trained->splits.train, "the pictures that were trained on",
            trained->val_path};
  return {d.dataset, d.train, "the train part"};
}

// What training or gabor cache has left for these pictures; an evaluation reads each once and makes none.
std::shared_ptr<PictureCache> existing_cache(const EvalOptions& o, const Selection& chosen,
                                             const Preprocess& preprocess) {
  TrainSettings s;
  apply_setting(s, "data", o.data, "option");
  apply_setting(s, "cache", o.cache, "option");
  s.split.val_path = chosen.val_path;
  s.train.preprocess = preprocess;
  return choose_cache(s, *chosen.dataset, {}).cache;
}

}  // namespace

int eval_command(const Invocation& call) {
  EvalOptions o;
  CommandLine line(call, "eval", "Measures a trained model on labelled pictures.");
  line.positional("CHECKPOINT", "a .safetensors file, or a run folder (its best checkpoint)", o.checkpoint,
                  true);
  line.positional("DATA", "as for train; classes are matched by name", o.data, true);
  line.option("--split", "PART", "train, val, test, all (test; else val of the training data; else all)",
              [&](const std::string& v) {
                o.split = parse_choice("--split", v, {"train", "val", "test", "all"});
              });
  line.option("--batch", "N", "pictures at a time (64)",
              [&](const std::string& v) { o.batch = int(parse_whole("--batch", v, 1, 1'000'000)); });
  line.option("--max-bad", "X", "share of unreadable pictures that is an error (0.01)",
              [&](const std::string& v) { o.max_bad = parse_number("--max-bad", v, 0, 1); });
  line.option("--backend", "NAME", "auto, cpu, reference (auto)",
              [&](const std::string& v) { o.backend = v; });
  line.option("--threads", "N", "0: all the machine has (0)",
              [&](const std::string& v) { o.threads = int(parse_whole("--threads", v, 0, 1024)); });
  line.option("--cache", "DIR|none", "folder of decoded pictures, read if it has these (~/.cache/gabor)",
              [&](const std::string& v) { o.cache = v; });
  line.flag("--no-cache", "the same as --cache none", [&] { o.cache = "none"; });
  line.flag("--no-verify", "skip the checkpoint's self-test", [&] { o.verify = false; });
  line.flag("--json", "print one JSON object", o.json);
  if (!line.parse()) return 0;

  TrainedModel model(o.checkpoint, o.batch, make_library(o.backend, o.threads));
  if (o.verify) model.verify();
  const Selection chosen = select(o, model.info(), model.path());
  LoaderOptions loading;
  loading.threads = o.threads;
  loading.max_bad = o.max_bad;
  loading.cache = existing_cache(o, chosen, model.info().preprocess);
  std::vector<BadFile> bad;
  const EvalResult r = model.evaluate(match_classes(chosen.dataset, model.info().classes, o.data),
                                      chosen.samples, loading, &bad);
  for (size_t i = 0; i < bad.size() && i < kMaxNamed; i++)
    fmt::print(stderr, "gabor: warning: {}; it does not count\n", printable(bad[i].reason));
  if (bad.size() > kMaxNamed)
    fmt::print(stderr, "gabor: warning: {} more files cannot be read\n", bad.size() - kMaxNamed);
  if (o.json) {
    nlohmann::ordered_json j = {{"checkpoint", model.path()}, {"data", o.data}, {"part", chosen.note}};
    j.update(eval_json(r, model.info().classes));
    print_json(j);
  } else {
    fmt::print("{} on {} ({}{})\n", printable(model.path()), printable(o.data), chosen.note,
               loading.cache ? ", decoded before" : "");
    fmt::print("{}", eval_text(r, model.info().classes));
  }
  return 0;
}

}  // namespace gabor
