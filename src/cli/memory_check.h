#pragma once
#include "cli/train_settings.h"
#include "train/training_memory.h"

namespace gabor {

// What training by these settings holds at its largest. Where --vram is given and --micro-batch is not, it sets the
// largest micro-batch that fits. whole: options of the plan for a whole batch. Throws Error{memory} when it is more
// than --vram. resident_pictures: as training_memory takes it.
TrainingMemory fit_memory(TrainSettings& s, const Graph& graph, const Library& library,
                          const PlanOptions& whole, int64_t resident_pictures = 0);

// Bytes this process may use: the machine's memory, or the control group's limit when that is smaller.
double machine_bytes();

// Throws Error{memory} when the first is more than the second: Linux would hand out the memory and kill the
// process when it is used.
void check_memory(double needed, double available);

}  // namespace gabor
