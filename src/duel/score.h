#pragma once
#include <string>

#include "core/tensor.h"
#include "duel/case.h"
#include "ops/backend.h"

namespace gabor {

// How far the outputs of a run lie from the oracle's, as fractions of the error budget.
struct Score {
  double max = 0,
         p99 = 0;  // of all elements of the worst output; infinite: NaN, infinity, or wrong where no error is
                   // allowed
  std::string fault;  // "" when right; else the first element that is over budget
  bool right() const { return fault.empty(); }
};

// What add_to takes for math: no operand is rounded where tensors of 16 bits hold what is multiplied.
std::string judged_math(const Traits& traits);

// Adds one output to the score. Where got is f16 or bf16, the budget grows by what that rounds off. Of sums of more than 16
// terms, the root of the summed squares of the errors must also stay below 4/sqrt(terms) of that of the budgets: roundings
// of random data go either way and nearly cancel. A short accumulator exceeds that long before the worst case; and from some 80,000 terms on the worst case is more than the
// results themselves, so that only this rule tells them from zeros. Inputs that were given may be of very different sizes:
// then it is for maths only that do not round their operands.
void add_to(Score& score, const Expected& expected, ConstTensorView got, const std::string& math);

// Name of an f32 output that zeros would pass for, as when every window lies in the padding; "" if there is none. Such a
// case can tell no right kernel from a wrong one.
std::string indistinct_output(const Case& c, const std::string& math);

}  // namespace gabor
