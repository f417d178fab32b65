#pragma once
#include <chrono>
#include <cstdio>
#include <string>

namespace gabor {

// What a long command is at: one line rewritten on a terminal, else a line every few seconds.
class StatusLine {
 public:
  StatusLine(std::FILE* stream, bool terminal) : stream_(stream), terminal_(terminal) {}
  ~StatusLine();
  void show(const std::string& text);

 private:
  std::FILE* stream_;
  bool terminal_;
  bool shown_ = false;  // the terminal's last line is ours
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

}  // namespace gabor
