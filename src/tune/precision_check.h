#pragma once
#include <string>

#include "tune/pass_timing.h"

namespace gabor {

// What is wrong with the results of a backend that rounds its operands (Traits::math) or its tensors (Traits::storage), on
// random tensors, by the error
// budgets of both: "dw[0,1,2,0] is 3.1, expected 3 +- 0.01"; "": nothing. exact: in fp32, on the same device. The problem is
// cut down to some 10 MFLOP first (scale_down).
std::string fault_in(const TunedPass& pass, const Backend& rounding, const Backend& exact);

}  // namespace gabor
