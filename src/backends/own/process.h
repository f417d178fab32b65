// A program run to its end.
#pragma once
#include <string>
#include <vector>

namespace gabor::own {

struct Ended {
  int code = 0;    // its status
  int signal = 0;  // that killed it; 0: none
  int error = 0;   // errno of why it did not start; 0: it did
  bool well() const { return code == 0 && signal == 0 && error == 0; }
};

// words[0]: a path, or a name to look for in PATH. What it writes to stdout goes to stderr.
Ended run_process(const std::vector<std::string>& words);

}  // namespace gabor::own
