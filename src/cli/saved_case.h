#pragma once
#include <string>
#include <vector>

#include "duel/shadow.h"

namespace gabor {

// A call that was over its error budget in shadow training, in a file that `gabor duel --replay` takes. It is a
// safetensors file: inputs under their names in the op's contract ("x", "dy"), outputs as "main.dw" and "shadow.dw", what
// was added to as "before.dx", all as F32 (pixels, labels and winners are whole numbers that F32 holds exactly); metadata
// gabor.case (its version), op, problem, pass, mode, layer, step, main, math, kernel, shadow, fault.
struct SavedCase {
  int64_t step = 0;
  ShadowBreach breach;
};

// Throws Error{checkpoint} when it cannot be written.
void save_case(const std::string& path, const SavedCase& c);

// Throws Error{checkpoint}: not there, damaged, no such case. Every size and value that an op trusts is checked.
SavedCase read_case(const std::string& path);

// "conv1 wgrad on cpu (direct), checked by reference, is over its error budget: dw[7] is ..."
std::string breach_text(const ShadowBreach& b);

}  // namespace gabor
