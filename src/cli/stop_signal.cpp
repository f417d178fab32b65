#include "cli/stop_signal.h"

#include <signal.h>
#include <unistd.h>

#include "core/error.h"

namespace gabor {
namespace {

// A signal handler gets no argument but the signal's number: its state has to be global.
std::atomic<bool> stop_flag{false};
std::atomic<int> stop_number{0};
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<int>::is_always_lock_free);

constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP};

extern "C" void gabor_on_stop_signal(int number) {
  if (stop_flag.exchange(true)) _exit(128 + number);
  stop_number = number;
}

void handle(int number, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;  // reads and writes in progress go on
  sigaction(number, &action, nullptr);
}

bool is_ignored(int number) {
  struct sigaction now {};
  sigaction(number, nullptr, &now);
  return now.sa_handler == SIG_IGN;
}

}  // namespace

StopSignal::StopSignal() {
  stop_flag = false;
  stop_number = 0;
  for (int number : kSignals)
    if (number != SIGHUP || !is_ignored(number)) handle(number, gabor_on_stop_signal);
}

StopSignal::~StopSignal() {
  for (int number : kSignals)
    if (number != SIGHUP || !is_ignored(number)) handle(number, SIG_DFL);
}

const std::atomic<bool>& StopSignal::flag() const { return stop_flag; }

void StopSignal::request() const { stop_flag = true; }

int StopSignal::exit_code() const { return stop_number ? 128 + stop_number : int(ErrorCode::stopped); }

}  // namespace gabor
