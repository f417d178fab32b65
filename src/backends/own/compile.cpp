#include <cstdlib>
#include <cstring>

#include "backends/own/process.h"
#include "backends/own/program.h"
#include "core/error.h"
#include "core/text.h"

namespace gabor::own {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

// Where the headers lie, and the library of the emulated GPU.
struct Toolkit {
  fs::path headers, library;  // of headers: the folder that has kernels/ and src/core/
};

// As installed beside the program; else, of its build.
Toolkit find_toolkit() {
  std::error_code error;
  const fs::path prefix = fs::read_symlink("/proc/self/exe", error).parent_path().parent_path();
  const Toolkit installed{prefix / GABOR_OWN_INSTALLED_HEADERS, prefix / GABOR_OWN_INSTALLED_LIBRARY};
  const Toolkit built{GABOR_OWN_HEADERS, GABOR_OWN_LIBRARY};
  for (const Toolkit& t : {installed, built})
    if (fs::exists(t.headers / "kernels/own/kernel.h", error) && fs::exists(t.library, error)) return t;
  fail(ErrorCode::device, "--kernel",
       "kernels cannot be compiled here: neither {} nor {} is there; build or install gabor anew",
       printable(installed.library.string()), printable(built.library.string()));
}

// $CXX, words apart as in make; else the compiler that gabor was built with.
Words compiler() {
  Words words;
  if (const char* cxx = std::getenv("CXX"))
    for (const std::string& word : split(cxx, ' '))
      if (!word.empty()) words.push_back(word);
  return words.empty() ? Words{GABOR_OWN_COMPILER} : words;
}

Words operator+(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

void run_step(const Words& words, const std::string& file, const char* failure) {
  const Ended end = run_process(words);
  if (end.error)
    fail(ErrorCode::device, "--kernel", "{} cannot be run: {}; set CXX to a C++20 compiler",
         printable(words[0]), std::strerror(end.error));
  if (!end.well()) fail(ErrorCode::usage, "--kernel", "{} {}", printable(file), failure);
}

}  // namespace

void compile_kernel(const std::string& file, const Folder& folder, const std::string& to) {
  std::error_code error;
  if (!fs::is_regular_file(file, error))
    fail(ErrorCode::usage, "--kernel", "{} is no file that can be read", printable(file));
  const Toolkit toolkit = find_toolkit();
  const std::string object = folder.path("kernel.o"), headers = toolkit.headers.string();
  // -fsanitize=thread makes the compiler call the checker at every access (kernels/simt/kernel_test.cmake); block copies
  // become calls by their names, which objcopy turns over to the checker.
  run_step(
      compiler() + Words{"-std=c++20", "-O1", "-g1", "-fno-strict-aliasing", "-Wall", "-Wno-unknown-pragmas",
                         "-fsanitize=thread", "-fno-builtin-memcpy", "-fno-builtin-memmove",
                         "-fno-builtin-memset", "-I" + headers, "-I" + headers + "/src", "-x", "c++", "-c",
                         fs::absolute(file).string(), "-o", object},
      file, "does not compile; the compiler says above why");
  run_step({GABOR_OWN_OBJCOPY, "--redefine-sym", "memcpy=__tsan_memcpy", "--redefine-sym",
            "memmove=__tsan_memmove", "--redefine-sym", "memset=__tsan_memset", object},
           file, "does not link; the linker says above why");
  run_step(compiler() + Words{object, toolkit.library.string(), "-ldl", "-o", to}, file,
           "does not link; the linker says above why");
}

}  // namespace gabor::own
