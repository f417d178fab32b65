#include "cli/option_values.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/error.h"
#include "core/text.h"

namespace gabor {
namespace {

constexpr int64_t kMaxSide = 32768;

[[noreturn]] void refuse(const std::string& option, const std::string& text, const std::string& expected) {
  fail(ErrorCode::usage, option, "'{}' is not valid; expected {}", printable(text), expected);
}

// The numbers of "AxBxC"; empty when the text is anything else.
std::vector<int64_t> parse_sides(const std::string& text) {
  std::vector<int64_t> sides;
  for (const std::string& part : split(text, 'x')) {
    int64_t v = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), v);
    if (error != std::errc{} || end != part.data() + part.size() || v < 1 || v > kMaxSide) return {};
    sides.push_back(v);
  }
  return sides;
}

}  // namespace

int64_t parse_whole(const std::string& option, const std::string& text, int64_t low, int64_t high) {
  int64_t v = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
  if (error != std::errc{} || end != text.data() + text.size() || v < low || v > high)
    refuse(option, text, fmt::format("a whole number from {} to {}", low, high));
  return v;
}

double parse_number(const std::string& option, const std::string& text, double low, double high,
                    bool open_low) {
  double v = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
  if (error != std::errc{} || end != text.data() + text.size() || !(v >= low && v <= high) ||
      (open_low && v == low))
    refuse(option, text,
           open_low ? fmt::format("a number above {}, at most {}", low, high)
                    : fmt::format("a number from {} to {}", low, high));
  return v;
}

size_t parse_bytes(const std::string& option, const std::string& text) {
  constexpr std::pair<std::string_view, double> units[] = {{"", 1},         {"B", 1},       {"KB", 1e3},
                                                           {"MB", 1e6},     {"GB", 1e9},    {"KiB", 0x1p10},
                                                           {"MiB", 0x1p20}, {"GiB", 0x1p30}};
  double v = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
  std::string_view unit(end, size_t(text.data() + text.size() - end));
  if (unit.starts_with(' ')) unit.remove_prefix(1);
  for (const auto& [name, bytes] : units)
    if (error == std::errc{} && unit == name && v >= 0 && v * bytes <= 0x1p50) return size_t(v * bytes);
  refuse(option, text, "a size such as 2GB, 512MB or 1.5GiB");
}

ImageSize parse_size(const std::string& option, const std::string& text) {
  const auto sides = parse_sides(text);
  if (sides.size() != 2) refuse(option, text, "HEIGHTxWIDTH in pixels, e.g. 96x96");
  return {int(sides[0]), int(sides[1])};
}

Shape parse_input(const std::string& option, const std::string& text) {
  const auto sides = parse_sides(text);
  if (sides.size() != 3 || sides[2] > 4) refuse(option, text, "HEIGHTxWIDTHxCHANNELS, e.g. 300x300x3");
  return {sides[0], sides[1], sides[2]};
}

const std::string& parse_choice(const std::string& option, const std::string& text,
                                const std::vector<std::string>& names) {
  const auto at = std::find(names.begin(), names.end(), text);
  if (at == names.end())
    fail(ErrorCode::usage, option, "unknown value '{}'{}", printable(text), suggestion(text, names));
  return *at;
}

}  // namespace gabor
