#pragma once
#include "cli/command_line.h"

namespace gabor {

// One function a verb: reads its options, does the work, prints results to stdout and returns the exit code.
// Throws Error for what went wrong (app.h turns it into a line and a code).
int train_command(const Invocation& call);
int eval_command(const Invocation& call);
int predict_command(const Invocation& call);
int summary_command(const Invocation& call);
int plan_command(const Invocation& call);
int doctor_command(const Invocation& call);
int cache_command(const Invocation& call);
int augment_command(const Invocation& call);
int duel_command(const Invocation& call);

}  // namespace gabor
