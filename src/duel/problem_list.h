#pragma once
#include <string>
#include <vector>

#include "duel/problem.h"

namespace gabor {

// Reads a problem file: a line is "tag problem" or "tag problem first", where problem is a convolution
// ("N=32 H=28 W=28 C=6 K=16 R=5 S=5 pad=0,0 stride=1,1", core/problem/conv2d.h) or begins with max, average or l2 for a
// pooling (core/problem/pool2d.h); '#' begins a comment. An activation (act=) is left out. Throws Error{usage} naming
// file:line, also for a file that cannot be read or holds no problem.
std::vector<DuelProblem> read_problem_list(const std::string& path);

}  // namespace gabor
