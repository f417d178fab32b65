#include "cli/train_settings.h"

#include <algorithm>
#include <filesystem>

#include "backends/all.h"
#include "cli/augment_option.h"
#include "cli/option_values.h"
#include "cli/tuned_library.h"
#include "core/error.h"
#include "core/text.h"

namespace gabor {
namespace {

using S = TrainSettings;
using Text = const std::string&;
constexpr auto kText = SettingKind::text;
constexpr auto kNumber = SettingKind::number;
constexpr auto kFlag = SettingKind::flag;

std::string show(bool b) { return b ? "true" : "false"; }
std::string show(double v) { return fmt::format("{}", v); }
std::string show(float v) { return fmt::format("{}", v); }

bool parse_bool(Text option, Text v) { return parse_choice(option, v, {"true", "false"}) == "true"; }

// Paths are kept absolute, so that a run can be repeated and resumed from another folder.
std::string absolute(Text path) { return path.empty() ? path : std::filesystem::absolute(path).string(); }

void set_model(S& s, Text, Text v) {
  s.model = v.ends_with(".toml") || v.find('/') != std::string::npos ? absolute(v) : v;
}
void set_channels(S& s, Text option, Text v) {
  if (v != "1" && v != "3")
    fail(ErrorCode::usage, option, "'{}' is not valid; expected 1 (gray) or 3 (RGB)", printable(v));
  s.channels = v == "1" ? 1 : 3;
}
void set_vram(S& s, Text option, Text v) {
  if (!v.empty()) parse_bytes(option, v);  // empty in the config of a run without a limit
  s.vram = v;
}
const std::vector<std::string>& recompute_names() {  // as Recompute
  static const std::vector<std::string> names{"auto", "always", "never"};
  return names;
}
void set_recompute(S& s, Text option, Text v) {
  const auto& names = recompute_names();
  s.recompute =
      Recompute(std::find(names.begin(), names.end(), parse_choice(option, v, names)) - names.begin());
}
void set_precision(S& s, Text option, Text v) {
  s.precision = parse_choice(option, v, {"fp32", "tf32", "bf16", "fp16"});
}
void set_optimizer(S& s, Text option, Text v) {
  parse_optimizer(parse_choice(option, v, {"sgd", "momentum", "nesterov", "adam", "adamw"}),
                  s.train.optimizer.kind);
}
void set_loss(S& s, Text option, Text v) {
  s.train.loss =
      parse_choice(option, v, {"cross_entropy", "mse"}) == "mse" ? LossKind::mse : LossKind::softmax_xent;
}
void set_seed(S& s, Text option, Text v) {
  s.train.seed = s.split.seed = uint64_t(parse_whole(option, v, 0, int64_t{1} << 53));
}
void set_shadow(S& s, Text option, Text v) {
  s.shadow = {};
  if (v == "off") return;
  const size_t colon = v.find(':');
  if (colon == std::string::npos)
    fail(ErrorCode::usage, option, "'{}' is not valid; expected NAME:EVERY, e.g. reference:50, or off",
         printable(v));
  std::vector<std::string> names = backend_names();
  std::erase(names, "auto");
  const std::string name = parse_choice(option, v.substr(0, colon), names);
  s.shadow = {name, parse_whole(option, v.substr(colon + 1), 1, 1'000'000'000)};
}
void set_bad_policy(S& s, Text option, Text v) {
  s.train.bad_policy =
      parse_choice(option, v, {"skip", "fail"}) == "fail" ? BadPolicy::fail : BadPolicy::skip;
}

}  // namespace

const std::vector<Setting>& train_setting_table() {
  static const std::vector<Setting> table = {
      {"data", kText, "", "", [](S& s, Text, Text v) { s.data = absolute(v); },
       [](const S& s) { return s.data; }},
      {"model", kText, "NAME|FILE", "article, lenet5, mlp, vgg-bn, vgg-small, or a .toml file (article)",
       set_model, [](const S& s) { return s.model; }},
      {"init", kText, "FILE", "start from the weights of this checkpoint",
       [](S& s, Text, Text v) { s.init = absolute(v); }, [](const S& s) { return s.init; }},
      {"size", kText, "HxW", "input size (the pictures' own, the model's, or 96x96)",
       [](S& s, Text o, Text v) { s.size = parse_size(o, v); },
       [](const S& s) { return fmt::format("{}x{}", s.size.height, s.size.width); }},
      {"channels", kNumber, "1|3", "1 gray, 3 RGB (as the pictures or the model)", set_channels,
       [](const S& s) { return std::to_string(s.channels); }},
      {"epochs", kNumber, "N", "passes over the training pictures (5)",
       [](S& s, Text o, Text v) { s.train.epochs = int(parse_whole(o, v, 1, 1'000'000)); },
       [](const S& s) { return std::to_string(s.train.epochs); }},
      {"batch", kNumber, "N", "pictures a step (128)",
       [](S& s, Text o, Text v) { s.train.batch = int(parse_whole(o, v, 1, 1'000'000)); },
       [](const S& s) { return std::to_string(s.train.batch); }},
      {"micro-batch", kNumber, "N",
       "pictures at a time: the gradients of a batch are added up over so many (the whole batch)",
       [](S& s, Text o, Text v) { s.train.micro_batch = int(parse_whole(o, v, 0, 1'000'000)); },
       [](const S& s) { return std::to_string(s.train.micro_batch); }},
      {"vram", kText, "SIZE", "memory that training may take, e.g. 2GB: it chooses the micro-batch that fits",
       set_vram, [](const S& s) { return s.vram; }},
      {"recompute", kText, "WHEN",
       "drops results of forward and computes them again for backward, which saves memory: auto (as far as "
       "--vram asks), "
       "always, never (auto)",
       set_recompute, [](const S& s) { return recompute_names()[size_t(s.recompute)]; }},
      {"optimizer", kText, "NAME", "sgd, momentum, nesterov, adam, adamw (adam)", set_optimizer,
       [](const S& s) { return std::string(name_of(s.train.optimizer.kind)); }},
      {"lr", kNumber, "X", "learning rate (0.001)",
       [](S& s, Text o, Text v) { s.train.lr = float(parse_number(o, v, 0, 1000, true)); },
       [](const S& s) { return show(s.train.lr); }},
      {"momentum", kNumber, "X", "of momentum and nesterov (0.9)",
       [](S& s, Text o, Text v) { s.train.optimizer.momentum = float(parse_number(o, v, 0, 1)); },
       [](const S& s) { return show(s.train.optimizer.momentum); }},
      {"schedule", kText, "NAME", "of the rate: constant, cosine, step (constant)",
       [](S& s, Text o, Text v) { parse_schedule(parse_choice(o, v, schedule_names()), s.train.schedule); },
       [](const S& s) { return std::string(name_of(s.train.schedule)); }},
      {"warmup", kNumber, "EPOCHS", "epochs of a rising rate at the start (0)",
       [](S& s, Text o, Text v) { s.train.warmup_epochs = parse_number(o, v, 0, 1e6); },
       [](const S& s) { return show(s.train.warmup_epochs); }},
      {"weight-decay", kNumber, "X", "of weights, not of biases (0)",
       [](S& s, Text o, Text v) { s.train.optimizer.weight_decay = float(parse_number(o, v, 0, 1000)); },
       [](const S& s) { return show(s.train.optimizer.weight_decay); }},
      {"loss", kText, "NAME", "cross_entropy, mse (cross_entropy)", set_loss,
       [](const S& s) { return std::string(s.train.loss == LossKind::mse ? "mse" : "cross_entropy"); }},
      {"label-smoothing", kNumber, "X", "0 to below 1 (0)",
       [](S& s, Text o, Text v) { s.train.label_smoothing = float(parse_number(o, v, 0, 0.999)); },
       [](const S& s) { return show(s.train.label_smoothing); }},
      {"seed", kNumber, "N", "of weights, order, split and augmentation (1)", set_seed,
       [](const S& s) { return std::to_string(s.train.seed); }},
      {"val-split", kNumber, "X", "share of the pictures that validate (0.3)",
       [](S& s, Text o, Text v) { s.split.val_split = parse_number(o, v, 0, 0.99); },
       [](const S& s) { return show(s.split.val_split); }},
      {"val", kText, "DIR", "validate on these pictures instead of a split",
       [](S& s, Text, Text v) { s.split.val_path = absolute(v); },
       [](const S& s) { return s.split.val_path; }},
      {"keras-split", kFlag, "", "size the split as Keras does (one picture more may validate)",
       [](S& s, Text o, Text v) { s.split.keras_split = parse_bool(o, v); },
       [](const S& s) { return show(s.split.keras_split); }},
      {"resize", kText, "FILTER",
       "antialias; fast: of large JPEGs a smaller picture is decoded, pixels differ a little; linear (the "
       "article's), area (antialias)",
       [](S& s, Text o, Text v) {
         s.train.preprocess.resize =
             resize_from_name(parse_choice(o, v, {"antialias", "linear", "area", "fast"}));
       },
       [](const S& s) { return std::string(name_of(s.train.preprocess.resize)); }},
      {"scaling", kText, "NAME", "of pixels: centered -1..1, unit 0..1, none 0..255 (centered)",
       [](S& s, Text o, Text v) {
         parse_scaling(parse_choice(o, v, {"unit", "centered", "none"}), s.train.preprocess.scaling);
       },
       [](const S& s) { return std::string(name_of(s.train.preprocess.scaling)); }},
      {"augment", kText, "LIST",
       "change training pictures at random, anew each epoch, by any of crop:0.35-1, translate:4, flip, "
       "rand:2x9, color:0.2, erase:0.25, mixup:0.2, cutmix:1; these are the values of a name alone (none)",
       [](S& s, Text o, Text v) { parse_augment(o, v, s.train.augment); },
       [](const S& s) { return augment_text(s.train.augment); }},
      {"on-bad-file", kText, "skip|fail", "what an unreadable picture does (skip)", set_bad_policy,
       [](const S& s) { return std::string(s.train.bad_policy == BadPolicy::fail ? "fail" : "skip"); }},
      {"max-bad", kNumber, "X", "share of unreadable pictures that stops the run (0.01)",
       [](S& s, Text o, Text v) { s.train.max_bad = parse_number(o, v, 0, 1); },
       [](const S& s) { return show(s.train.max_bad); }},
      {"overfit", kNumber, "N",
       "train and validate on the same N pictures: a model that cannot learn these is wrong",
       [](S& s, Text o, Text v) { s.train.overfit = int(parse_whole(o, v, 0, 1'000'000)); },
       [](const S& s) { return std::to_string(s.train.overfit); }},
      {"backend", kText, "NAME", "auto, cpu, reference (auto: the fastest kernels, by measurement)",
       [](S& s, Text, Text v) { s.backend = v; }, [](const S& s) { return s.backend; }},
      {"precision", kText, "NAME",
       "of training on a GPU: fp32; tf32 (products of 11 bits); bf16 or fp16 (8 or 11 bits, and tensors half "
       "as "
       "large; weights and sums stay fp32) (fp32)",
       set_precision, [](const S& s) { return s.precision; }},
      {"tuning", kText, "FILE", "keeps what auto has measured (~/.cache/gabor/tuning.jsonl)",
       [](S& s, Text, Text v) { s.tuning = absolute(v); }, [](const S& s) { return s.tuning; }},
      {"choices", kText, "", "", [](S& s, Text o, Text v) { s.choices = parse_choices(o, v); },
       [](const S& s) { return choices_text(s.choices); }},
      {"cache", kText, "DIR|none", "folder for decoded pictures (~/.cache/gabor, for sets that it speeds up)",
       [](S& s, Text, Text v) { s.cache = v == "auto" || v == "none" ? v : absolute(v); },
       [](const S& s) { return s.cache; }},
      {"cache-limit", kNumber, "GIB", "of all caches in that folder; the longest unused are removed (20)",
       [](S& s, Text o, Text v) { s.cache_limit = parse_number(o, v, 0, 1e6); },
       [](const S& s) { return show(s.cache_limit); }},
      {"resident", kText, "auto|on|off",
       "training pictures stay in the device's memory after the first epoch (auto: on a GPU, when they fit)",
       [](S& s, Text o, Text v) {
         s.resident = parse_choice(o, v, {"auto", "on", "off"});
       },
       [](const S& s) { return s.resident; }},
      {"shadow", kText, "NAME:EVERY",
       "check every EVERYth step, op by op, on a second backend; stop when a result is over its error "
       "budget, e.g. "
       "reference:50 (off)",
       set_shadow,
       [](const S& s) {
         return s.shadow.backend.empty() ? "off" : fmt::format("{}:{}", s.shadow.backend, s.shadow.every);
       }},
      {"threads", kNumber, "N", "0: all the machine has (0)",
       [](S& s, Text o, Text v) { s.threads = int(parse_whole(o, v, 0, 1024)); },
       [](const S& s) { return std::to_string(s.threads); }},
  };
  return table;
}

void apply_setting(S& s, Text name, Text value, Text origin) {
  std::vector<std::string> known;
  for (const Setting& setting : train_setting_table()) {
    if (setting.name == name) {
      setting.set(s, name == "data" ? "DATA" : "--" + name, value);
      s.origin[name] = origin;
      return;
    }
    known.push_back(setting.name);
  }
  fail(ErrorCode::usage, "--set", "unknown key '{}'{}", printable(name), suggestion(name, known));
}

std::pair<std::string, std::string> split_assignment(Text text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos)
    fail(ErrorCode::usage, "--set", "'{}' is not valid; expected key=value, e.g. lr=0.01", printable(text));
  std::string key = text.substr(0, equals);
  std::replace(key.begin(), key.end(), '_', '-');
  return {key, text.substr(equals + 1)};
}

std::string setting_value(const S& s, Text name) {
  for (const Setting& setting : train_setting_table())
    if (setting.name == name) return setting.get(s);
  return "";
}

}  // namespace gabor
