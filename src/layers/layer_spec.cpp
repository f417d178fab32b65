#include "layers/layer_spec.h"

#include <algorithm>

#include "core/error.h"
#include "core/text.h"

namespace gabor {

std::string layer_place(const LayerSpec& spec, const std::string& source) {
  const std::string place = spec.line > 0 ? fmt::format("{}:{}:{}", source, spec.line, spec.column) : source;
  return fmt::format("{}: layer '{}'", place, spec.name);
}

std::string OptionReader::where(int line, int column) const {
  const std::string place = line > 0 ? fmt::format("{}:{}:{}", source_, line, column) : source_;
  return fmt::format("{}: layer '{}'", place, spec_.name);
}

void OptionReader::error(const std::string& key, const std::string& message) const {
  const auto it = spec_.options.find(key);
  const int line = it == spec_.options.end() ? spec_.line : it->second.line;
  const int column = it == spec_.options.end() ? spec_.column : it->second.column;
  throw_error(ErrorCode::usage, where(line, column), message);
}

void OptionReader::error(const std::string& message) const {
  throw_error(ErrorCode::usage, where(spec_.line, spec_.column), message);
}

const OptionValue* OptionReader::raw(const std::string& key) {
  if (std::find(asked_.begin(), asked_.end(), key) == asked_.end()) asked_.push_back(key);
  const auto it = spec_.options.find(key);
  return it == spec_.options.end() ? nullptr : &it->second;
}

bool OptionReader::has(const std::string& key) { return raw(key) != nullptr; }

int64_t OptionReader::integer(const std::string& key, int64_t fallback, int64_t low, int64_t high) {
  const OptionValue* v = raw(key);
  if (!v) return fallback;
  const int64_t* i = std::get_if<int64_t>(&v->value);
  if (!i) error(key, fmt::format("{} must be a whole number", key));
  if (*i < low || *i > high) error(key, fmt::format("{} = {}; must be {} to {}", key, *i, low, high));
  return *i;
}

int64_t OptionReader::required_integer(const std::string& key, int64_t low, int64_t high) {
  if (!has(key)) {
    asked_.push_back(key);
    finish();  // a misspelt key explains the missing one better
    error(fmt::format("'{}' is missing", key));
  }
  return integer(key, 0, low, high);
}

double OptionReader::number(const std::string& key, double fallback, double low, double high) {
  const OptionValue* v = raw(key);
  if (!v) return fallback;
  double d = 0;
  if (const int64_t* i = std::get_if<int64_t>(&v->value))
    d = double(*i);
  else if (const double* f = std::get_if<double>(&v->value))
    d = *f;
  else
    error(key, fmt::format("{} must be a number", key));
  if (!(d >= low && d <= high)) error(key, fmt::format("{} = {}; must be {} to {}", key, d, low, high));
  return d;
}

bool OptionReader::boolean(const std::string& key, bool fallback) {
  const OptionValue* v = raw(key);
  if (!v) return fallback;
  const bool* b = std::get_if<bool>(&v->value);
  if (!b) error(key, fmt::format("{} must be true or false", key));
  return *b;
}

std::string OptionReader::word(const std::string& key, const std::string& fallback,
                               const std::vector<std::string>& allowed) {
  const OptionValue* v = raw(key);
  if (!v) return fallback;
  const std::string* s = std::get_if<std::string>(&v->value);
  if (!s) error(key, fmt::format("{} must be a word in quotes: {}", key, join(allowed, ", ")));
  if (std::find(allowed.begin(), allowed.end(), *s) == allowed.end())
    error(key, fmt::format("unknown {} '{}'{}", key, *s, suggestion(*s, allowed)));
  return *s;
}

OptionReader::Pair OptionReader::pair(const std::string& key, Pair fallback, int64_t low, int64_t high) {
  const OptionValue* v = raw(key);
  if (!v) return fallback;
  Pair p{};
  if (const int64_t* i = std::get_if<int64_t>(&v->value)) {
    p = {*i, *i};
  } else if (const auto* list = std::get_if<std::vector<int64_t>>(&v->value); list && list->size() == 2) {
    p = {(*list)[0], (*list)[1]};
  } else {
    error(key, fmt::format("{} must be a whole number or [vertical, horizontal]", key));
  }
  for (int64_t i : {p.h, p.w})
    if (i < low || i > high) error(key, fmt::format("{} = {}; must be {} to {}", key, i, low, high));
  return p;
}

void OptionReader::finish() const {
  for (const auto& [key, value] : spec_.options) {
    if (std::find(asked_.begin(), asked_.end(), key) != asked_.end()) continue;
    if (key == "input_dim" || key == "input_shape")
      error(key,
            fmt::format("'{}' has no meaning here: every layer takes its input size from the layer before it",
                        key));
    std::vector<std::string> known = asked_;
    for (const char* common : {"name", "from", "backend", "type"}) known.push_back(common);
    error(key, fmt::format("unknown option '{}' of {}{}", key, spec_.type, suggestion(key, known)));
  }
}

}  // namespace gabor
