#pragma once
#include <span>
#include <string>
#include <vector>

#include "duel/duel.h"

namespace gabor {

// Whether a candidate's name is the baseline's or that of a variant of it: "cpu/onednn" belongs to "cpu".
bool belongs_to(const std::string& candidate, const std::string& baseline);

// Fills in ratios of records that are all of one problem, pass and cap. Only results that are right count, on either side.
void compare_with_baseline(std::span<DuelRecord> records, const std::string& baseline);

// Geometric mean of a candidate's ratios within one class and pass, under one workspace cap.
struct ClassMean {
  ProblemClass problem_class = ProblemClass::other_conv;
  Pass pass = Pass::fprop;
  std::optional<size_t> workspace_cap;
  std::string candidate;
  int problems = 0;  // that the mean is over
  double ratio = 0;  // equal math mode and layout
};
// By class, pass, cap and candidate, each in the order of the duel; combinations without a ratio are left out.
std::vector<ClassMean> class_means(const Duel& duel);

// A fused first block beside the convolution, the activation and the pooling that it stands for, one after the other.
struct BlockParts {
  const DuelRecord* block = nullptr;  // fprop or wgrad
  double seconds = 0;                 // medians of its parts, by the same candidate and under the same cap
};
// Of each block whose parts are among the problems and all ran there; in the order of the duel.
std::vector<BlockParts> blocks_and_parts(const Duel& duel);

// Names of the candidates in the order of the duel.
std::vector<std::string> candidates_of(const Duel& duel);

}  // namespace gabor
