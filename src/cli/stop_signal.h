#pragma once
#include <atomic>

namespace gabor {

// While one lives, the first SIGINT, SIGTERM or SIGHUP sets flag(), so that the run can save and leave; the
// second ends the process at once and touches no file. A SIGHUP that was ignored (nohup) stays ignored. One
// at a time.
class StopSignal {
 public:
  StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;
  ~StopSignal();
  const std::atomic<bool>& flag() const;
  void request() const;   // sets it too; the first signal is then the second
  int exit_code() const;  // 128 + the signal's number: 130 for Ctrl-C, 143 for SIGTERM
};

}  // namespace gabor
