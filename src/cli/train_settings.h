// What a training run is told: the options of `gabor train` that shape its result. One table holds name,
// help, reader and writer of each, and serves the command line, --set, config.toml, --resume and the command
// to repeat a run.
#pragma once
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "data/dataset.h"
#include "ops/library.h"
#include "train/trainer.h"

namespace gabor {

// Which steps a second backend checks.
struct ShadowSettings {
  std::string backend;  // "": none
  int64_t every = 0;    // steps
};

// When results of forward are dropped and computed again: as far as --vram asks, wherever it saves memory, or never.
enum class Recompute : uint8_t { as_needed, always, never };

struct TrainSettings {
  std::string data;  // path; "" = the embedded demo set
  std::string model = "article";
  ImageSize size;    // 0x0: chosen from data and model (train_input.h)
  int channels = 0;  // 0: likewise
  SplitOptions split;
  std::string backend = "auto", precision = "fp32";
  std::string tuning;    // file of measured choices; "": default_tuning_file
  TunedChoices choices;  // filled in (tuned_library.h)
  std::string vram;      // limit of memory as given, "2GB"; "": none
  Recompute recompute = Recompute::as_needed;
  int threads = 0;  // 0: all the machine has
  std::string init;
  std::string cache = "auto";     // of decoded pictures: auto, none, or a folder
  double cache_limit = 20;        // GiB, of all caches in the folder
  std::string resident = "auto";  // training pictures stay on the device: auto, on, off (resident_choice.h)
  ShadowSettings shadow;
  TrainConfig train;  // out, config_text, seed of the split and preprocess are filled in from the rest

  // Setting name -> where its value came from: "option", "model", "data", "demo", "vram"; absent: "default".
  std::map<std::string, std::string> origin;
};

enum class SettingKind { text, number, flag };

struct Setting {
  std::string name;  // as on the command line, without --
  SettingKind kind;
  std::string placeholder, help;
  void (*set)(TrainSettings&, const std::string& option, const std::string& value);  // throws Error{usage}
  std::string (*get)(const TrainSettings&);
};

const std::vector<Setting>& train_setting_table();

// Sets one by name. Throws Error{usage} for a bad value, or an unknown name with the nearest one.
void apply_setting(TrainSettings& s, const std::string& name, const std::string& value,
                   const std::string& origin);
// "lr=0.01", as --set takes it, into name and value; '_' is taken for '-'.
std::pair<std::string, std::string> split_assignment(const std::string& text);
// The value of one by name, as text.
std::string setting_value(const TrainSettings& s, const std::string& name);

// config.toml: every value with its origin as a comment, and the command that repeats the run.
std::string config_toml(const TrainSettings& s, const std::string& program);
// Reads what config_toml wrote. where: the checkpoint it came from. Throws Error{checkpoint}.
TrainSettings settings_from_config(const std::string& toml, const std::string& where);

// The command that makes the same run again, with what differs from the defaults.
std::string repeat_command(const TrainSettings& s, const std::string& program);
std::string shell_quoted(const std::string& word);

}  // namespace gabor
