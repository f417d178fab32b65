// The order in which a plan's steps run: forward, then backward in reverse, and in between once more the forward of those
// whose results were dropped to save memory.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "ops/step.h"

namespace gabor {

enum class ActionKind : uint8_t { forward, again, backward };

struct Action {
  int step;  // of the plan
  ActionKind kind;
};

// dropped: by step. What such a step writes lives until the last forward that reads it, and again from just before the
// first backward that needs it: each of them runs at most once more. Not training: the forwards alone.
std::vector<Action> make_schedule(const TensorTable& table, const std::vector<std::unique_ptr<Step>>& steps,
                                  bool training, const std::vector<bool>& dropped);

}  // namespace gabor
