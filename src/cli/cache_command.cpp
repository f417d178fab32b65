#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <numeric>

#include "cli/cache_choice.h"
#include "cli/commands.h"
#include "cli/eval_output.h"
#include "core/error.h"
#include "core/text.h"
#include "data/cache_folder.h"

namespace gabor {
namespace {

constexpr size_t kMaxNamed = 10;  // bad files
constexpr double kTellEvery = 5;  // seconds

// Decodes every picture once; the loader hands each to the cache. Returns the bad ones.
std::vector<BadFile> fill(const DataSplits& data, const std::vector<uint32_t>& samples,
                          const TrainSettings& s) {
  using Clock = std::chrono::steady_clock;
  const Preprocess& p = s.train.preprocess;
  LoaderOptions o{.height = p.height, .width = p.width, .channels = p.channels, .resize = p.resize};
  o.threads = s.threads;
  o.shuffle = false;
  o.max_bad = 1;  // training has its own limit
  o.cache = s.train.cache;
  Loader loader(data.dataset, samples, o);
  loader.start(0);
  auto told = Clock::now();
  while (Batch* batch = loader.next()) {
    const int done = batch->step + 1;
    loader.release(batch);
    if (std::chrono::duration<double>(Clock::now() - told).count() < kTellEvery) continue;
    told = Clock::now();
    fmt::print(stderr, "{} % decoded\n", 100 * done / loader.steps_per_epoch());
  }
  return loader.bad_files();
}

void name_bad(const std::vector<BadFile>& bad) {
  for (size_t i = 0; i < bad.size() && i < kMaxNamed; i++)
    fmt::print(stderr, "gabor: warning: {}; it is not in the cache\n", printable(bad[i].reason));
  if (bad.size() > kMaxNamed)
    fmt::print(stderr, "gabor: warning: {} more files cannot be read\n", bad.size() - kMaxNamed);
}

struct Request {
  TrainSettings settings;
  bool json = false;
};

bool read(const Invocation& call, Request& r) {
  CommandLine line(call, "cache",
                   "Decodes and resizes all pictures of DATA ahead, into one file that train then reads.");
  std::string data;
  line.positional("DATA", "as for train", data, true);
  for (const Setting& setting : train_setting_table())
    for (const char* wanted : {"size", "channels", "resize", "val", "cache", "cache-limit", "threads"})
      if (setting.name == wanted)
        line.option("--" + setting.name, setting.placeholder, setting.help,
                    [&r, name = setting.name](const std::string& v) {
                      apply_setting(r.settings, name, v, "option");
                    });
  line.flag("--json", "print one JSON object instead of text", r.json);
  if (!line.parse()) return false;
  apply_setting(r.settings, "data", data, "option");
  if (r.settings.size.height == 0)
    fail(ErrorCode::usage, "--size",
         "is needed: the input size that will be trained with, e.g. --size 96x96");
  if (r.settings.cache == "none")
    fail(ErrorCode::usage, "--cache", "'none' leaves nothing to do; name a folder");
  return true;
}

int build(Request& request) {
  TrainSettings& s = request.settings;
  if (s.cache == "auto")
    s.cache = default_cache_folder();  // asked for, so made whether it is worth it or not
  s.split.val_split = 0;               // a cache holds all parts, however they are divided
  const DataSplits data = open_data(s.data, s.split);
  s.train.preprocess.height = s.size.height, s.train.preprocess.width = s.size.width;
  s.train.preprocess.channels = s.channels ? s.channels : data.dataset->channels();
  std::vector<uint32_t> all(data.dataset->size());
  std::iota(all.begin(), all.end(), 0u);
  const CacheChoice choice = choose_cache(s, *data.dataset, all);
  s.train.cache = choice.cache;
  const bool needed = data.dataset->stamp().has_value();
  if (!choice.cache && needed) fail(ErrorCode::data, printable(s.data), "no cache was made: {}", choice.text);
  if (!request.json)
    fmt::print("cache    {}{}\n", choice.cache ? "" : "none: ", choice.text), std::fflush(stdout);
  std::vector<BadFile> bad;
  const bool fresh = choice.cache && choice.cache->state() == PictureCache::State::building;
  if (fresh) {
    bad = fill(data, all, s);
    name_bad(bad);
    const auto notes = choice.cache->take_notes();
    if (!notes.empty()) fail(ErrorCode::data, printable(s.data), "{}", join(notes, "; "));
  }
  if (request.json)
    print_json({{"data", s.data},
                {"file", choice.cache ? choice.cache->options().path : ""},
                {"bytes", choice.cache ? choice.cache->content().file_bytes() : 0},
                {"pictures", data.dataset->size()},
                {"bad", bad.size()},
                {"written", fresh}});
  else if (fresh)
    fmt::print("written  {} pictures\n", with_commas(int64_t(all.size() - bad.size())));
  return 0;
}

}  // namespace

int cache_command(const Invocation& call) {
  Request request;
  return read(call, request) ? build(request) : 0;
}

}  // namespace gabor
