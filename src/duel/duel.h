#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "duel/measure.h"
#include "duel/problem.h"
#include "duel/roofline.h"
#include "duel/score.h"
#include "duel/statistics.h"
#include "ops/backend.h"

namespace gabor {

// One candidate on one problem and pass.
struct DuelRecord {
  size_t problem = 0;  // in Duel::problems
  Pass pass = Pass::fprop;
  std::optional<size_t> workspace_cap;  // bytes: who needs more does not run; none: no limit
  std::string candidate;                // name of the backend or variant
  Traits traits;
  std::string device;
  std::string kernel;       // that it took, where it says so
  std::string unsupported;  // why it does not run this; "": it ran, and what follows is set
  Score score;              // its fault may be the Error{numeric} that the candidate threw
  // Of each repetition. Empty when there was that Error, or an emulation: then all times and speeds that follow are 0.
  std::vector<double> seconds;
  double median = 0;
  MedianInterval interval;
  double conversion = 0;        // of median, what converting layouts takes by itself; 0: nothing is converted
  double flops = 0, bytes = 0;  // of the problem
  size_t workspace_bytes = 0;
  double roof_share = 0;  // of the shortest time that the measured roofs allow; 0: no roofs
  // Speed against the baseline's best kernel (summary.h), above 1: faster; 0: none to compare with.
  double ratio = 0;       // its best with the same math mode and layout
  double ratio_any = 0;   // its best with any
  bool distinct = false;  // the interval and that of `ratio`'s kernel do not overlap

  bool ran() const { return unsupported.empty(); }
};

struct Duel {
  std::vector<DuelProblem> problems;
  std::vector<DuelRecord> records;  // by problem, workspace cap, pass, candidate
  std::vector<DeviceRoofs> roofs;   // one a device
  std::string baseline;
  // Fastest repetition of the roofs' multiply-adds after the duel, as a share of before, of the device that changed
  // most: far below 1, the clock went down meanwhile or others used the machine.
  double speed_kept = 1;
  bool right() const;  // every result that there is lies within its budget
};

struct DuelOptions {
  std::vector<Pass> passes = {Pass::fprop, Pass::dgrad, Pass::wgrad};
  Repetitions repetitions;  // of one problem and pass, all candidates together
  std::string baseline;     // name of a candidate, or of a backend: then its best variant counts
  std::optional<size_t> workspace_cap;
  uint64_t seed = 0;
  std::function<void(const std::string&)> progress = [](const std::string&) {};
};

// backends: each runs with all its variants. oracle: make_case. Throws Error{usage} for a baseline that is none of them.
Duel run_duel(std::vector<DuelProblem> problems, const std::vector<std::shared_ptr<const Backend>>& backends,
              const Backend& oracle, const DuelOptions& options);

// One duel of several about the same problems, under a workspace cap each. The roofs are the first one's.
Duel merged(std::vector<Duel> duels);

}  // namespace gabor
