// cli: the gabor command, one file a verb. Here alone are things printed and errors turned into exit codes.
// command_line.h: the options of one verb. CLI11 is behind it, and no other file includes that.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace gabor {

// How the program was called: the name it was started by (for commands shown to the user), and what follows
// the verb.
struct Invocation {
  std::string program;
  std::vector<std::string> args;
};

class CommandLine {
 public:
  CommandLine(const Invocation& call, const std::string& verb, const std::string& about);
  ~CommandLine();

  // set is called once for each time the option is given, in the order of the command line.
  void option(const std::string& name, const std::string& placeholder, const std::string& help,
              std::function<void(const std::string&)> set);
  void flag(const std::string& name, const std::string& help, std::function<void()> set);
  void flag(const std::string& name, const std::string& help, bool& on) {
    flag(name, help, [&on] { on = true; });
  }
  void positional(const std::string& name, const std::string& help, std::string& value, bool required);
  void positionals(const std::string& name, const std::string& help, std::vector<std::string>& values);

  // false: --help was asked for and printed to stdout. Throws Error{usage}: an unknown option with the
  // nearest match, a missing value, an argument too many or too few.
  bool parse();

 private:
  [[noreturn]] void refuse(const std::string& argument) const;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gabor
