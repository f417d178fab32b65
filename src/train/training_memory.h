// How many bytes a training run holds, before the first is allocated; and the micro-batch, and what is computed again, that
// fit a limit.
#pragma once
#include <string>

#include "device/device.h"
#include "model/plan.h"

namespace gabor {

// Batches that the loaders make ahead (LoaderOptions::prefetch).
constexpr int kTrainingPrefetch = 2, kValidationPrefetch = 1;

// Bytes. The step's own, then what a run holds beside it. Libraries, code and the heap of the process are not in it.
struct TrainingMemory {
  double arena = 0;       // activations, their gradients and what is saved for backward
  double workspace = 0;   // scratch of the neediest op, for every size of batch that comes
  double parameters = 0;  // values, gradients, the optimizer's moments and the weights' copy in 16 bits
  double images = 0;      // the pictures and labels of one micro-batch
  double evaluation = 0;  // arena and workspace of the plan that validates
  double loaders = 0;     // the rings of both loaders, on the host: there a step reads in place
  double resident =
      0;  // the training pictures, where they stay on the device, and what makes a batch of them there
  double backends = 0;  // what the backends hold on the device whatever runs
  double values = 0;    // StepValues of one step
  double saving = 0;    // a checkpoint with the optimizer's moments while it is written, on the host
  double step() const { return arena + workspace + parameters + images; }
  // What a limit on the device's memory covers. On the host the rings count, which hold the images, and the checkpoint;
  // on another device both plans have two copies of a batch and of the step's values: one is filled while the other is
  // worked on.
  double limited(DeviceKind kind) const {
    return arena + workspace + parameters + evaluation + resident + backends +
           (kind == DeviceKind::host ? loaders + saving : 2 * 2 * (images + values));
  }
};

// Throws Error{usage} when batches of that many cannot be run in micro-batches as large as the plan's: batch
// normalisation takes its statistics over the whole batch.
void check_micro_batch(const Plan& training, int64_t batch);

// whole: options of the plan for a whole batch, which is run `micro` samples at a time (1 to whole.batch); its arena_limit
// is for the plan of these.
// moments: of the optimizer. resident_pictures: that stay on the device. Throws as compile and check_micro_batch do.
TrainingMemory training_memory(const Graph& graph, const Library& library, const PlanOptions& whole,
                               int64_t micro, int moments, int64_t resident_pictures = 0);

// "312MB", below 10MB "9700KB": as --vram takes it, rounded up.
std::string limit_text(double bytes);

struct MemoryFit {
  int64_t micro_batch = 0;
  size_t arena_limit = kNoArenaLimit;  // PlanOptions
  TrainingMemory memory;
};

// For micro-batches of that many; where they are beyond the limit, in bytes, and `recompute` allows it, with as few results
// dropped as bring them within it, or with the smallest arena there is: then still beyond it.
MemoryFit fit_arena(const Graph& graph, const Library& library, const PlanOptions& whole, int64_t micro,
                    int moments, double limit, bool recompute, int64_t resident_pictures = 0);

// The largest micro-batch, of the whole batch halved again and again (rounded up), with which training stays within
// the limit, in bytes. A net that check_micro_batch refuses is not divided. Where the whole batch cannot be divided, or only
// below a chunk (ops/batch_chunks.h), results are dropped first, if `recompute`: that costs a third of the step at most,
// while micro-batches of whole chunks cost next to nothing.
// Throws Error{memory} with the smallest limit that would do.
MemoryFit fit_micro_batch(const Graph& graph, const Library& library, const PlanOptions& whole, int moments,
                          double limit, bool recompute, int64_t resident_pictures = 0);

}  // namespace gabor
