#include "cli/app.h"

#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <new>
#include <string>

#include "cli/commands.h"
#include "core/error.h"
#include "core/text.h"

namespace gabor {
namespace {

struct Verb {
  const char* name;
  int (*command)(const Invocation&);
  const char* about;
};

constexpr Verb kVerbs[] = {
    {"train", train_command, "train a classifier; without DATA, on an embedded demo set"},
    {"eval", eval_command, "accuracy, loss, confusion matrix of a trained model"},
    {"predict", predict_command, "name the class of pictures"},
    {"summary", summary_command, "layers, shapes and parameters of a model"},
    {"plan", plan_command, "memory, operations and bytes of a training step, before it runs"},
    {"doctor", doctor_command, "check this machine, and a data set before training on it"},
    {"cache", cache_command, "decode a data set ahead, into the file that train reads"},
    {"augment", augment_command, "draw what train --augment makes of pictures"},
    {"duel", duel_command, "time every kernel on the layers of a model, and judge its results"},
};

void print_help(const std::string& program) {
  fmt::print("gabor {}: trains convolutional image classifiers\n\nUsage: {} VERB [OPTIONS]\n\n",
             GABOR_VERSION, program);
  for (const Verb& v : kVerbs) fmt::print("  {:<9} {}\n", v.name, v.about);
  fmt::print(
      "\n{0} VERB --help shows a verb's options; {0} --version the version.\n"
      "Exit codes: 0 done, 2 usage, 3 data, 4 out of memory, 5 numeric failure, 6 checkpoint, 7 device,\n"
      "130 or 143 stopped after saving.\n",
      program);
}

int dispatch(Invocation call) {
  if (call.args.empty()) {
    print_help(call.program);
    fail(ErrorCode::usage, "gabor", "needs a verb, e.g. {} train", call.program);
  }
  const std::string verb = call.args[0];
  if (verb == "--help" || verb == "-h" || verb == "help") return print_help(call.program), 0;
  if (verb == "--version") return fmt::print("gabor {}\n", GABOR_VERSION), 0;
  call.args.erase(call.args.begin());
  std::vector<std::string> known;
  for (const Verb& v : kVerbs) {
    if (verb == v.name) return v.command(call);
    known.push_back(v.name);
  }
  fail(ErrorCode::usage, "gabor", "unknown verb '{}'{}", printable(verb), suggestion(verb, known));
}

// Results that never reached their reader are an error, e.g. on a full disk.
int flush(int code) {
  if (std::fflush(stdout) == 0 && !std::ferror(stdout)) return code;
  fmt::print(stderr, "gabor: error: stdout: the results could not be written\n");
  return code ? code : 1;
}

}  // namespace

int run(int argc, const char* const* argv) try {
  Invocation call{argc > 0 ? argv[0] : "gabor", {}};
  for (int i = 1; i < argc; i++) call.args.emplace_back(argv[i]);
  std::signal(SIGXFSZ, SIG_IGN);  // a file over `ulimit -f` is an error of the write, as on a full disk
  return flush(dispatch(std::move(call)));
} catch (const Error& e) {
  std::fflush(stdout);
  fmt::print(stderr, "gabor: error: {}\n", e.what());
  return int(e.code());
} catch (const std::bad_alloc&) {
  fmt::print(stderr, "gabor: error: out of memory; use a smaller --batch or --size\n");
  return int(ErrorCode::memory);
} catch (const std::exception& e) {
  fmt::print(stderr, "gabor: error: {}; this is a bug of gabor, please report it with the command line\n",
             printable(e.what()));
  return 1;
}

}  // namespace gabor
