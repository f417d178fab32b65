// Where a training loop gets its batches: from the loader, or, after the first epoch, out of the device's memory, where
// they were kept (resident_set.h). The bits are the same.
#pragma once
#include <optional>

#include "model/executor.h"
#include "train/resident_set.h"

namespace gabor {

class TrainingPictures {
 public:
  // at_once: rows that part() is asked for at most. resident: keep them on the device; throws as ResidentSet does.
  TrainingPictures(const Library& library, std::shared_ptr<const Dataset> dataset,
                   std::vector<uint32_t> samples, LoaderOptions loading, int64_t at_once, bool resident);

  // As the loader's. At most two batches may be out at a time.
  int steps_per_epoch() const { return loader_.steps_per_epoch(); }
  void start(int epoch, int first_step);
  Batch* next();
  void release(Batch* batch);
  const Loader& loader() const { return loader_; }  // what it did, and which files were bad

  // Rows first .. first + count - 1 of the batch that came last, for the executor's next step.
  struct Part {
    ConstTensorView pixels, labels;
  };
  Part part(const Batch& batch, int64_t first, int64_t count, Executor& executor);

 private:
  std::optional<ResidentSet> set_;
  Loader loader_;
  bool streaming_ = true;  // in this epoch
};

}  // namespace gabor
