#pragma once
#include <string>
#include <utility>
#include <vector>

#include "duel/duel.h"

namespace gabor {

// A finished duel with what must be said beside its numbers.
struct DuelReport {
  const Duel* duel = nullptr;
  std::string title;                                         // "article"
  std::string command;                                       // that repeats it
  std::vector<std::pair<std::string, std::string>> machine;  // what, which
  std::vector<std::string> notes;                            // what makes the times less than certain
};

// The duel as one self-contained page: ratios by layer and roofline as inline SVG, means by class, every number, the
// machine, the command. No script, nothing loaded from elsewhere; all names are escaped.
std::string duel_html(const DuelReport& report);

// The class means as rows of cells, a head first: class, pass, then "ratio (problems)" or "" of each candidate that has
// one. Empty when there is none.
std::vector<std::vector<std::string>> means_table(const Duel& duel);

// Fused first blocks beside their parts (summary.h) as rows of cells, a head first. Empty when there is none.
std::vector<std::vector<std::string>> blocks_table(const Duel& duel);

std::string layout_text(
    const DuelRecord& r);  // "NHWC"; "NCHW, 1.2 ms of it" where the conversion's time is known
std::string pass_text(Pass pass, std::optional<size_t> workspace_cap);  // "fprop", "fprop, 64.0 MiB"
std::string short_seconds(double seconds);                              // "12.34 ms", "3.2 us": four digits
std::string short_flops(double per_second);                             // "1.23 TFLOP/s", "45.6 GFLOP/s"
// "1.000", "0.013", with a "~" behind when the intervals of the two overlap; "-" when there is nothing to compare with.
std::string ratio_text(double ratio, bool distinct);
std::string workspace_text(size_t bytes);  // "-" for none

}  // namespace gabor
