#pragma once

namespace gabor {

// The whole command: picks the verb, runs it, turns what went wrong into one line on stderr and the exit code
// (README, "Exit codes").
int run(int argc, const char* const* argv);

}  // namespace gabor
