#pragma once
#include <functional>
#include <vector>

#include "device/device.h"

namespace gabor {

// One of those that are measured against each other.
struct Contestant {
  Stopwatch* stopwatch = nullptr;
  std::function<void()> run;
  std::function<void()> flush;  // empties the caches, so that every repetition begins alike
  double first_seconds = 0;  // of a run before; longer than the whole time: this contestant is not repeated
};

struct Repetitions {
  double seconds = 1;  // for all repetitions of all contestants; `least` are made in any case
  int least = 6, most = 100;
};

// The seconds of each repetition of each contestant. All take their turns within each repetition, and every repetition
// begins with the next one: what slows the machine for a while hits all alike, and nobody always follows the same. One
// untimed run of each comes first. A contestant whose `least` runs alone would take longer than the time given
// has one sample, first_seconds.
std::vector<std::vector<double>> measure(const std::vector<Contestant>& contestants,
                                         const Repetitions& repetitions);

}  // namespace gabor
