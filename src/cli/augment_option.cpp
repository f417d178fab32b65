#include "cli/augment_option.h"

#include <algorithm>
#include <vector>

#include "cli/option_values.h"
#include "core/error.h"
#include "core/text.h"
#include "data/augment/mix.h"

namespace gabor {
namespace {

using Text = const std::string&;

struct Operation {
  std::string name;
  const char* usual;  // value; null: takes none
  void (*set)(AugmentSpec&, Text option, Text value);
  std::string (*get)(const AugmentSpec&);  // the value; "" where it is not asked for
};

void set_crop(AugmentSpec& s, Text option, Text value) {
  const std::vector<std::string> ends = split(value, '-');
  if (ends.size() > 2)
    fail(ErrorCode::usage, option, "'{}' is not valid; expected LEAST-MOST, e.g. 0.35-1", printable(value));
  s.crop.least = parse_number(option, ends[0], 0.01, 1);
  s.crop.most = ends.size() == 1 ? 1 : parse_number(option, ends[1], s.crop.least, 1);
}

void set_rand(AugmentSpec& s, Text option, Text value) {
  const std::vector<std::string> parts = split(value, 'x');
  if (parts.size() != 2)
    fail(ErrorCode::usage, option, "'{}' is not valid; expected OPERATIONSxMAGNITUDE, e.g. 2x9",
         printable(value));
  s.rand.ops = int(parse_whole(option, parts[0], 1, AugmentSpec::kMostOps));
  s.rand.magnitude = int(parse_whole(option, parts[1], 1, AugmentSpec::kMostMagnitude));
}

double parse_alpha(Text option, Text value) {
  const double alpha = parse_number(option, value, 0, 1);
  if (alpha != 0 && beta_power(alpha) == 0)
    fail(ErrorCode::usage, option,
         "'{}' is not valid; expected 1 divided by a whole number of 1 to {}, e.g. 0.2", printable(value),
         AugmentSpec::kMostBetaPower);
  return alpha;
}

std::string unless_zero(double v) { return v == 0 ? "" : fmt::format("{}", v); }

// In the order in which they are done (data/augment/augment.h).
const std::vector<Operation>& operations() {
  using S = AugmentSpec;
  static const std::vector<Operation> table = {
      {"crop", "0.35-1", set_crop,
       [](const S& s) { return s.crop == S::Crop{} ? "" : fmt::format("{}-{}", s.crop.least, s.crop.most); }},
      {"translate", "4",
       [](S& s, Text o, Text v) { s.translate = int(parse_whole(o, v, 0, S::kMostTranslate)); },
       [](const S& s) { return unless_zero(s.translate); }},
      {"flip", nullptr, [](S& s, Text, Text) { s.flip = true; },
       [](const S& s) -> std::string { return s.flip ? "on" : ""; }},
      {"rand", "2x9", set_rand,
       [](const S& s) { return s.rand.ops ? fmt::format("{}x{}", s.rand.ops, s.rand.magnitude) : ""; }},
      {"color", "0.2", [](S& s, Text o, Text v) { s.color = parse_number(o, v, 0, 1); },
       [](const S& s) { return unless_zero(s.color); }},
      {"erase", "0.25", [](S& s, Text o, Text v) { s.erase = parse_number(o, v, 0, 1); },
       [](const S& s) { return unless_zero(s.erase); }},
      {"mixup", "0.2", [](S& s, Text o, Text v) { s.mixup = parse_alpha(o, v); },
       [](const S& s) { return unless_zero(s.mixup); }},
      {"cutmix", "1", [](S& s, Text o, Text v) { s.cutmix = parse_alpha(o, v); },
       [](const S& s) { return unless_zero(s.cutmix); }},
  };
  return table;
}

const Operation& find(Text option, Text name) {
  std::vector<std::string> known;
  for (const Operation& o : operations()) {
    if (o.name == name) return o;
    known.push_back(o.name);
  }
  fail(ErrorCode::usage, option, "unknown operation '{}'{}", printable(name), suggestion(name, known));
}

}  // namespace

void parse_augment(Text option, Text text, AugmentSpec& spec) {
  if (text == "none") return void(spec = {});
  std::vector<std::string> named;
  for (const std::string& item : split(text, ',')) {
    const size_t colon = item.find(':');
    const Operation& operation = find(option, item.substr(0, colon));
    const std::string where = option + " " + operation.name;
    if (std::find(named.begin(), named.end(), operation.name) != named.end())
      fail(ErrorCode::usage, where, "is named twice");
    named.push_back(operation.name);
    if (!operation.usual && colon != std::string::npos)
      fail(ErrorCode::usage, where, "takes no value, but has '{}'", printable(item.substr(colon + 1)));
    const std::string usual = operation.usual ? operation.usual : "";
    operation.set(spec, where, colon == std::string::npos ? usual : item.substr(colon + 1));
  }
}

std::string augment_text(const AugmentSpec& spec) {
  std::vector<std::string> items;
  for (const Operation& o : operations())
    if (const std::string value = o.get(spec); !value.empty())
      items.push_back(o.usual ? o.name + ":" + value : o.name);
  return items.empty() ? "none" : join(items, ",");
}

}  // namespace gabor
