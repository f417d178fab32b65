// Where each tensor of a plan lies in one arena. Tensors whose lives do not overlap share bytes.
#pragma once
#include <cstddef>
#include <memory>
#include <vector>

#include "model/schedule.h"

namespace gabor {

constexpr size_t kNotPlaced = size_t(-1);

struct MemoryPlan {
  std::vector<size_t> value_offset, grad_offset;  // by TensorId; kNotPlaced: not in the arena
  size_t arena_bytes = 0;
  size_t workspace_bytes = 0;  // of the neediest step, for the full batch
};

// Time runs through the schedule. A value lives from its first write to its last read (backward's included), and where
// it is made again, in between not; the gradient of a tensor from its first writer (the backward of its last reader) to the
// backward of the step that made the tensor. `pinned` values live to the end. Pictures, labels and parameters are not
// placed: others own them.
MemoryPlan plan_memory(const TensorTable& table, const std::vector<std::unique_ptr<Step>>& steps,
                       const std::vector<Action>& schedule, int64_t batch,
                       const std::vector<TensorId>& pinned);

// The most bytes that live at one time: no arena can be smaller.
size_t live_peak(const TensorTable& table, const std::vector<std::unique_ptr<Step>>& steps,
                 const std::vector<Action>& schedule, int64_t batch, const std::vector<TensorId>& pinned);

}  // namespace gabor
