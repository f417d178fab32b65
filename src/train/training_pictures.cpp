#include "train/training_pictures.h"

namespace gabor {
namespace {

// Rows first .. first + count - 1 of a batch.
ConstTensorView rows(const TensorView& batch, int64_t first, int64_t count) {
  const size_t row = batch.bytes() / size_t(batch.shape[0]);
  return {static_cast<const std::byte*>(batch.data) + size_t(first) * row,
          batch.shape.drop_first().prepend(count), batch.dtype};
}

// A set that stays is kept as its files are: the device augments it, in the first epoch too.
LoaderOptions brought(LoaderOptions loading, bool resident) {
  if (resident) loading.augment = {};
  return loading;
}

}  // namespace

TrainingPictures::TrainingPictures(const Library& library, std::shared_ptr<const Dataset> dataset,
                                   std::vector<uint32_t> samples, LoaderOptions loading, int64_t at_once,
                                   bool resident)
    : loader_(dataset, samples, brought(loading, resident)) {
  if (resident) set_.emplace(library, std::move(dataset), std::move(samples), loading, at_once);
}

void TrainingPictures::start(int epoch, int first_step) {
  streaming_ = !set_ || !set_->whole();
  if (set_) set_->start(epoch, first_step);
  if (streaming_) loader_.start(epoch, first_step);
}

Batch* TrainingPictures::next() {
  if (!streaming_) return set_->next();
  Batch* batch = loader_.next();
  if (batch && set_) set_->expect(*batch);
  return batch;
}

void TrainingPictures::release(Batch* batch) {
  if (streaming_) loader_.release(batch);
}

TrainingPictures::Part TrainingPictures::part(const Batch& batch, int64_t first, int64_t count,
                                              Executor& executor) {
  const ConstTensorView labels = rows(batch.labels, first, count);
  if (!set_) return {rows(batch.pixels, first, count), labels};
  const TensorView made = executor.image_input(count);
  set_->make(batch, first, count, made);
  return {made, labels};
}

}  // namespace gabor
