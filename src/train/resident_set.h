// The training pictures in the device's memory, as they are before augmentation. They lie in the order of the epoch that
// brought them, so that each of its batches was one copy; a table says where each is. A batch is gathered out of them on
// the device, beside the step that runs, moved and mirrored as the loader would have done it: the same bits.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "data/loader.h"
#include "ops/gather.h"
#include "ops/library.h"

namespace gabor {

class ResidentSet {
 public:
  // samples: of the training set. loading: as streaming would have it; its augmentation only moves. at_once: rows that
  // make() is asked for at most. Throws Error{memory} when the set does not fit, Error{device} when no backend gathers.
  ResidentSet(const Library& library, std::shared_ptr<const Dataset> dataset, std::vector<uint32_t> samples,
              const LoaderOptions& loading, int64_t at_once);

  // Every picture is there: an epoch was kept from its first batch to its last.
  bool whole() const { return kept_ == samples_.size(); }

  // Begins an epoch; batches come in the order of the loader's.
  void start(int epoch, int first_step);
  // The epoch's next batch where the set is whole: samples and labels, as the loader hands them out, and no pixels. Null at
  // the end. It lives until the second call after this one.
  Batch* next();
  // Where it is not whole: a batch of the loader's, not augmented, which is then kept by make().
  void expect(const Batch& batch);

  // Queues, on Queue::upload, what makes rows first .. first + count - 1 of the batch that came last, augmented, in `to`.
  void make(const Batch& batch, int64_t first, int64_t count, TensorView to);

 private:
  // What of a batch is on the host. There are two: the device may still read that of the batch before.
  struct Slot {
    HostBuffer rows, labels;
    Batch batch;
  };
  struct Place {
    uint32_t picture = 0;  // of the set
    int32_t label = -1;    // -1: the file was bad
  };
  Slot& slot_of(const Batch& batch) { return slots_[size_t(batch.step) % slots_.size()]; }
  void draw_rows(const Batch& batch);

  std::shared_ptr<const Dataset> dataset_;
  const std::vector<uint32_t> samples_;
  const LoaderOptions loading_;
  GatherProblem problem_;  // of a whole part
  size_t picture_bytes_;
  const Gather* gather_;
  Context upload_;
  Buffer pictures_, rows_;  // the set; what one part is made of
  std::array<Slot, 2> slots_;
  std::vector<Place> places_;    // by index into the data set
  std::vector<uint32_t> order_;  // of the epoch
  int epoch_ = 0, step_ = 0;     // of the next batch
  size_t kept_ = 0;              // pictures, since the epoch began
};

}  // namespace gabor
