#pragma once
#include <cstdint>

#include "model/plan.h"

namespace gabor {

// Bytes that training will hold at its largest: activations of both plans, parameters with gradients and
// moments, and the loaders' batches. A lower bound: libraries add their own.
double training_bytes(const Plan& training, const Plan& inference, int moments);

// Bytes this process may use: the machine's memory, or the control group's limit when that is smaller.
double machine_bytes();

// Throws Error{memory} when the first is more than the second: Linux would hand out the memory and kill the
// process when it is used.
void check_memory(double needed, double available);

}  // namespace gabor
