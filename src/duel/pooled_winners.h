// The gradient of a fused first block goes to the element that wins its pooling window; where two are nearly equal, or the
// largest is nearly 0 (ReLU), roundings decide, and either choice is right.
#pragma once
#include <span>
#include <vector>

#include "duel/call.h"

namespace gabor {

struct WinnerBounds {
  HostTensor dw_magnitude, db_magnitude;  // sums of |dy| |x| and |dy| over the windows, by the largest choice
  std::vector<double> dw_added, db_added;  // how far apart the choices are
};

// inputs: of the block's wgrad (x, w, b, dy; duel/call.h). terms: products behind an element of y.
WinnerBounds winner_bounds(const FirstBlockProblem& p, std::span<const HostTensor> inputs, double terms);

}  // namespace gabor
