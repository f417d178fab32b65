// config.toml and the command to repeat a run (declared in cli/train_settings.h).
#include "cli/train_settings.h"
#include "core/error.h"
#include "core/text.h"

namespace gabor {
namespace {

// The text of a quoted TOML string as toml_quoted writes it, and what follows it; false when it does not end.
// line begins with the first quote.
bool unquote(std::string_view line, std::string& out, std::string_view& rest) {
  for (size_t i = 1; i < line.size(); i++) {
    if (line[i] == '"') return rest = line.substr(i + 1), true;
    if (line[i] != '\\') {
      out += line[i];
    } else if (i + 1 < line.size() && line[i + 1] == 'u' && i + 5 < line.size()) {
      out += char(std::strtol(std::string(line.substr(i + 2, 4)).c_str(), nullptr, 16));
      i += 5;
    } else {
      if (++i < line.size()) out += line[i];
    }
  }
  return false;
}

struct ConfigLine {
  std::string key, value, origin;
};

bool parse_line(std::string_view line, ConfigLine& out) {
  const size_t equals = line.find(" = ");
  if (equals == std::string_view::npos || equals + 3 >= line.size()) return false;
  out.key = line.substr(0, equals);
  std::string_view rest = line.substr(equals + 3);
  if (rest.starts_with('"')) {
    if (!unquote(rest, out.value, rest)) return false;
  } else {
    const size_t end = rest.find(' ');
    out.value = rest.substr(0, end);
    rest = end == std::string_view::npos ? "" : rest.substr(end);
  }
  const size_t comment = rest.find("# ");
  out.origin = comment == std::string_view::npos ? "" : rest.substr(comment + 2);
  return line[equals + 3] == '"' || !out.value.empty();
}

}  // namespace

std::string config_toml(const TrainSettings& s, const std::string& program) {
  std::string out = fmt::format(
      "# gabor {}: every value of this run, and where it came from. The same run again:\n# {}\n\n",
      GABOR_VERSION, printable(repeat_command(s, program)));
  for (const Setting& setting : train_setting_table()) {
    const std::string value = setting.get(s);
    const auto origin = s.origin.find(setting.name);
    out += fmt::format("{} = {}  # {}\n", setting.name,
                       setting.kind == SettingKind::text ? toml_quoted(value) : value,
                       origin == s.origin.end() ? "default" : origin->second);
  }
  return out;
}

TrainSettings settings_from_config(const std::string& toml, const std::string& where) {
  TrainSettings s;
  for (const std::string& line : split(toml, '\n')) {
    if (line.empty() || line[0] == '#') continue;
    ConfigLine c;
    if (!parse_line(line, c))
      fail(ErrorCode::checkpoint, where, "its config has a damaged line: '{}'",
           printable(line.substr(0, 80)));
    try {
      apply_setting(s, c.key, c.value, c.origin);
    } catch (const Error& e) {
      fail(ErrorCode::checkpoint, where, "its config is from another version of gabor: {}", e.what());
    }
    if (c.origin == "default") s.origin.erase(c.key);
  }
  return s;
}

std::string shell_quoted(const std::string& word) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("/._-+=:,@%").find(c) != std::string_view::npos;
  };
  bool quote = word.empty();
  std::string out = "'";
  for (char c : word) {
    quote |= !plain(c);
    if (c == '\'')
      out += "'\\''";
    else
      out += c;
  }
  return quote ? out + "'" : word;
}

std::string repeat_command(const TrainSettings& s, const std::string& program) {
  const TrainSettings defaults;
  std::string out = shell_quoted(program) + " train";
  if (!s.data.empty()) out += " " + shell_quoted(s.data);
  for (const Setting& setting : train_setting_table()) {
    const std::string value = setting.get(s);
    // Choices are no option: they follow from the file of what was measured.
    if (setting.name == "data" || setting.name == "choices" || value == setting.get(defaults)) continue;
    out += " --" + setting.name;
    if (setting.kind != SettingKind::flag) out += " " + shell_quoted(value);
  }
  return out;
}

}  // namespace gabor
