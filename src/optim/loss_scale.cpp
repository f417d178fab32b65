#include "optim/loss_scale.h"

#include <algorithm>

#include "core/error.h"

namespace gabor {

float LossScale::begin_step() {
  GABOR_CHECK(unfinished_ <= 1);
  if (unfinished_++ == 1) heed_last();  // the step before is the one that is not finished
  return state_.scale;
}

void LossScale::finish_step(const ScaledStep& step) {
  heed_last();
  state_.last = step;
  unfinished_--;
}

void LossScale::heed_last() {
  if (!state_.last) return;
  const ScaledStep step = *state_.last;
  state_.last.reset();
  if (!step.finite) {
    // Of two steps in a row that ran with one scale, the second says no more than the first.
    state_.scale = std::max(kLeast, std::min(state_.scale, step.scale / 2));
    state_.good = 0;
  } else if (++state_.good == kPatience) {
    state_.scale = std::min(kMost, state_.scale * 2);
    state_.good = 0;
  }
}

}  // namespace gabor
