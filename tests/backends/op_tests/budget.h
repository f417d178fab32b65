// The budgets are ops/budget.h's; the names here are for the op tests, which live in another namespace.
#pragma once
#include "ops/budget.h"

namespace gabor::op_tests {
using gabor::activation_error;
using gabor::gamma;
using gabor::kErfUlps;
using gabor::kExpUlps;
using gabor::kTanhUlps;
using gabor::kU;
using gabor::lipschitz;
using gabor::slope_error;
using gabor::sum_budget;
}  // namespace gabor::op_tests
