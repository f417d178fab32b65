#pragma once
#include <string>
#include <vector>

#include "duel/problem.h"

namespace gabor {

// Reads a problem file: a line is "tag problem" or "tag problem first", where problem is what parse_problem reads
// (problem_text.h) and first says that no gradient of x is wanted; '#' begins a comment. Throws Error{usage} naming
// file:line, also for a file that cannot be read or holds no problem.
std::vector<DuelProblem> read_problem_list(const std::string& path);

}  // namespace gabor
