// Problems as text with every field, for calls that are saved: activations and the scale of pictures too, which
// problem_text.h, the form that people write, leaves to the op.
#pragma once
#include <string>

#include "duel/problem.h"

namespace gabor {

std::string record_of(const AnyProblem& p);
// The inverse. op: op_name. Throws Error{usage} for an unknown op, a text that is not its, and what no op would accept.
AnyProblem problem_of_record(const std::string& op, const std::string& text);

}  // namespace gabor
