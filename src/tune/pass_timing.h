#pragma once
#include <string>
#include <variant>
#include <vector>

#include "ops/library.h"
#include "ops/weighted_pass.h"
#include "tune/tuning_record.h"

namespace gabor {

using TunedProblem = std::variant<Conv2dProblem, DenseProblem>;

// One pass of one layer.
struct TunedPass {
  std::string where;  // ChoiceRecord::where
  TunedProblem problem;
  Pass pass = Pass::fprop;
};

// Those that may run the pass in place of `first`, itself first, then in the library's order, each followed by its variants:
// they support the pass, and compute with the same math in the same layout; beside one that rounds its operands (tf32), those
// in fp32 too. Of a backend and its variants that name the same kernel one is there. Where the library stores 16-bit tensors:
// the first, and the one that it would take in fp32.
std::vector<const Backend*> candidates_for(const TunedPass& pass, const Library& library,
                                           const std::string& first);

// What is to be found out: a record that lacks only the measurement. candidates: of candidates_for.
TuningRecord question_of(const TunedPass& pass, const std::vector<const Backend*>& candidates,
                         const TuningPlace& place);

// Times the candidates in turns, on random tensors, for about that many seconds in all, and names the winner: the fastest
// of those whose 95 % interval lies below the first candidate's, else the first. The batch is halved until seven runs of
// each take half that time; where already one sample takes too long nothing is timed and the first wins.
void time_candidates(const TunedPass& pass, const std::vector<const Backend*>& candidates, double seconds,
                     TuningRecord& record);

}  // namespace gabor
