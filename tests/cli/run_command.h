// Runs the real gabor executable, as a user's shell would.
#pragma once
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace gabor::testing {

struct CommandResult {
  int code = -1;  // exit status; 128 + signal when it was killed
  std::string out, err;
};

struct CommandOptions {
  std::string folder;                      // to run in
  std::function<void(pid_t)> meanwhile{};  // called once it runs, e.g. to send it a signal
  std::chrono::seconds limit{120};         // it is killed after
  uint64_t largest_file = 0;               // bytes that a file of it may have, as ulimit -f says; 0: no limit
};

// args: after the program's name.
CommandResult run_gabor(const std::vector<std::string>& args, const CommandOptions& options);

// A folder that is removed with its contents at the end.
class Workspace {
 public:
  Workspace();
  ~Workspace();
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;
  std::string path(const std::string& name = "") const;

 private:
  std::filesystem::path root_;
};

std::string read_text(const std::string& path);  // "" when it is not there
void write_text(const std::string& path, const std::string& text);

}  // namespace gabor::testing
