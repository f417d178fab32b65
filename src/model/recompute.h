// Memory for time: results of forward that are dropped, and computed again when backward needs them (Chen, Xu, Zhang,
// Guestrin: "Training Deep Nets with Sublinear Memory Cost", 2016). No bit of the net changes.
#pragma once
#include <cstddef>
#include <memory>
#include <vector>

#include "ops/step.h"

namespace gabor {

constexpr size_t kNoArenaLimit = size_t(-1);

// The steps, by number, whose results to drop so that the arena of a training plan has at most `limit` bytes; where that
// cannot be had, the smallest arena that was found. Greedy: one after the other the step with the most bytes off the peak for
// its forward's time, as 10 FLOPs a byte reckon it; first with at most one forward to run again in a row, then 2, 4, ..., for
// in long runs what is made again weighs as much as what was kept: the best length is about the root of the number of layers.
// Deterministic. pinned: tensors that stay to the end.
std::vector<bool> choose_dropped(const TensorTable& table, const std::vector<std::unique_ptr<Step>>& steps,
                                 int64_t batch, const std::vector<TensorId>& pinned, size_t limit);

}  // namespace gabor
