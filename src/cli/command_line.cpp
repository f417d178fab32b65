#include "cli/command_line.h"

#include <CLI/CLI.hpp>
#include <cstdio>

#include "core/error.h"
#include "core/text.h"

namespace gabor {

struct CommandLine::State {
  CLI::App app;
  std::string verb;
  std::vector<std::string> args, option_names{"--help"};
  std::vector<std::pair<std::string, std::function<bool()>>> required;  // name, is it there
};

CommandLine::CommandLine(const Invocation& call, const std::string& verb, const std::string& about)
    : state_(std::make_unique<State>()) {
  state_->verb = verb;
  state_->args = call.args;
  state_->app.description(about);
  state_->app.name(call.program + " " + verb);
  state_->app.allow_extras();
  state_->app.get_formatter()->column_width(34);
}

CommandLine::~CommandLine() = default;

void CommandLine::option(const std::string& name, const std::string& placeholder, const std::string& help,
                         std::function<void(const std::string&)> set) {
  state_->option_names.push_back(name);
  state_->app.add_option_function<std::string>(name, std::move(set), help)
      ->type_name(placeholder)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast)
      ->trigger_on_parse();
}

void CommandLine::flag(const std::string& name, const std::string& help, std::function<void()> set) {
  state_->option_names.push_back(name);
  state_->app.add_flag_callback(name, std::move(set), help);
}

void CommandLine::positional(const std::string& name, const std::string& help, std::string& value,
                             bool required) {
  state_->app.add_option(name, value, help)->type_name("");
  if (required) state_->required.emplace_back(name, [&value] { return !value.empty(); });
}

void CommandLine::positionals(const std::string& name, const std::string& help,
                              std::vector<std::string>& values) {
  state_->app.add_option(name, values, help)->type_name("");
  state_->required.emplace_back(name + "...", [&values] { return !values.empty(); });
}

bool CommandLine::parse() {
  State& s = *state_;
  try {
    // CLI11 takes the arguments last first.
    s.app.parse(std::vector<std::string>(s.args.rbegin(), s.args.rend()));
  } catch (const CLI::CallForHelp&) {
    std::fputs(s.app.help().c_str(), stdout);
    return false;
  } catch (const CLI::ArgumentMismatch&) {
    // Only an option at the end of the line can lack its value.
    fail(ErrorCode::usage, printable(s.args.back()), "needs a value; see gabor {} --help", s.verb);
  } catch (const CLI::ParseError& e) {
    fail(ErrorCode::usage, s.verb, "{}; see gabor {} --help", printable(e.what()), s.verb);
  }
  for (const std::string& extra : s.app.remaining()) refuse(extra);
  for (const auto& [name, given] : s.required)
    if (!given()) fail(ErrorCode::usage, s.verb, "needs {}; see gabor {} --help", name, s.verb);
  return true;
}

void CommandLine::refuse(const std::string& argument) const {
  const std::string name = argument.substr(0, argument.find('='));
  if (name.size() > 1 && name[0] == '-') {
    const std::string near = nearest(name, state_->option_names);
    fail(ErrorCode::usage, printable(name), "unknown option{}",
         near.empty() ? "; see gabor " + state_->verb + " --help" : "; did you mean '" + near + "'?");
  }
  fail(ErrorCode::usage, state_->verb, "unexpected argument '{}'; see gabor {} --help", printable(argument),
       state_->verb);
}

}  // namespace gabor
