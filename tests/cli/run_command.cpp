#include "cli/run_command.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace gabor::testing {

namespace fs = std::filesystem;

namespace {

void redirect(const std::string& file, int descriptor) {
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600);
  if (fd < 0 || ::dup2(fd, descriptor) < 0) _exit(99);
}

[[noreturn]] void become_gabor(const std::vector<std::string>& args, const CommandOptions& options,
                               const std::string& out, const std::string& err) {
  redirect("/dev/null", STDIN_FILENO);
  redirect(out, STDOUT_FILENO);
  redirect(err, STDERR_FILENO);
  if (::chdir(options.folder.c_str()) != 0) _exit(98);
  const rlimit largest{options.largest_file, options.largest_file};
  if (options.largest_file > 0 && ::setrlimit(RLIMIT_FSIZE, &largest) != 0) _exit(96);
  // What this machine's user has measured is no business of a test; runs in one folder share what they measure.
  ::setenv("XDG_CACHE_HOME", (options.folder + "/.cache").c_str(), 1);
  std::vector<char*> argv;
  std::string program = "gabor";
  argv.push_back(program.data());
  std::vector<std::string> copies = args;
  for (std::string& a : copies) argv.push_back(a.data());
  argv.push_back(nullptr);
  ::execv(GABOR_BINARY, argv.data());
  _exit(97);
}

}  // namespace

CommandResult run_gabor(const std::vector<std::string>& args, const CommandOptions& options) {
  const Workspace streams;
  const std::string out = streams.path("out"), err = streams.path("err");
  const pid_t pid = ::fork();
  if (pid < 0) throw std::runtime_error("fork failed");
  if (pid == 0) become_gabor(args, options, out, err);

  std::atomic<bool> ended{false};
  std::thread watch([&] {
    const auto end = std::chrono::steady_clock::now() + options.limit;
    while (!ended && std::chrono::steady_clock::now() < end)
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    if (!ended) ::kill(pid, SIGKILL);
  });
  if (options.meanwhile) options.meanwhile(pid);
  int status = 0;
  ::waitpid(pid, &status, 0);
  ended = true;
  watch.join();
  CommandResult r;
  r.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  r.out = read_text(out), r.err = read_text(err);
  return r;
}

Workspace::Workspace() {
  std::string name = (fs::temp_directory_path() / "gabor-test-XXXXXX").string();
  if (!::mkdtemp(name.data())) throw std::runtime_error("no temporary folder");
  root_ = name;
}

Workspace::~Workspace() {
  std::error_code ignored;
  fs::remove_all(root_, ignored);
}

std::string Workspace::path(const std::string& name) const {
  return name.empty() ? root_.string() : (root_ / name).string();
}

std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void write_text(const std::string& path, const std::string& text) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream file(path, std::ios::binary);
  file << text;
  if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

}  // namespace gabor::testing
