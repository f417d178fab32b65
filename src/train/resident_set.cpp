#include "train/resident_set.h"

#include <algorithm>

#include "core/text.h"
#include "data/sampler.h"

namespace gabor {
namespace {

const Gather* gather_for(const Library& library, const GatherProblem& p) {
  ChoiceRecord record{"training pictures", "gather", fmt::format("{}x{}x{}", p.H, p.W, p.C), "", {}};
  return library.in_precision("fp32").choose(
      &OpSet::gather, [&](const Gather& op) { return op.supports(p); }, record);
}

}  // namespace

ResidentSet::ResidentSet(const Library& library, std::shared_ptr<const Dataset> dataset,
                         std::vector<uint32_t> samples, const LoaderOptions& loading, int64_t at_once)
    : dataset_(std::move(dataset)),
      samples_(std::move(samples)),
      loading_(loading),
      problem_{at_once, loading.height, loading.width, loading.channels, int64_t(samples_.size())},
      picture_bytes_(size_t(problem_.H * problem_.W * problem_.C)),
      gather_(gather_for(library, problem_)),
      upload_{library.device(), library.device().stream_of(Queue::upload)},
      pictures_(library.device(), samples_.size() * picture_bytes_),
      rows_(library.device(), size_t(at_once) * sizeof(PictureRow)),
      places_(dataset_->size()) {
  if (!loading.augment.only_moves())
    fail(ErrorCode::usage, "resident pictures", "a device can move and mirror them, no more");
  for (Slot& slot : slots_)
    slot = {HostBuffer(library.device(), size_t(loading.batch) * sizeof(PictureRow)),
            HostBuffer(library.device(), size_t(loading.batch) * sizeof(int32_t)),
            {}};
}

void ResidentSet::start(int epoch, int first_step) {
  if (!whole()) kept_ = 0;
  order_ = epoch_order(samples_, loading_.seed, epoch);
  epoch_ = epoch, step_ = first_step;
}

Batch* ResidentSet::next() {
  const size_t first = size_t(step_) * size_t(loading_.batch);
  if (first >= order_.size()) return nullptr;
  const auto begin = order_.begin() + std::ptrdiff_t(first);
  const int count = int(std::min(size_t(loading_.batch), order_.size() - first));
  Slot& slot = slots_[size_t(step_) % slots_.size()];
  Batch& batch = slot.batch;
  batch.count = count;
  batch.samples.assign(begin, begin + count);
  batch.epoch = epoch_, batch.step = step_++;
  batch.labels = {slot.labels.data(), {count}, DType::i32};
  auto* labels = batch.labels.as<int32_t>();
  for (int row = 0; row < count; row++) labels[row] = places_[batch.samples[size_t(row)]].label;
  batch.bad = int(std::count(labels, labels + count, -1));
  draw_rows(batch);
  return &batch;
}

void ResidentSet::expect(const Batch& batch) {
  const uint32_t first = uint32_t(batch.step) * uint32_t(loading_.batch);
  for (int row = 0; row < batch.count; row++)
    places_[batch.samples[size_t(row)]] = {first + uint32_t(row), batch.labels.as<int32_t>()[row]};
  draw_rows(batch);
}

void ResidentSet::draw_rows(const Batch& batch) {
  auto* rows = static_cast<PictureRow*>(slot_of(batch).rows.data());
  for (int row = 0; row < batch.count; row++) {
    const uint32_t sample = batch.samples[size_t(row)];
    rows[row] = drawn_move(loading_.augment, {loading_.seed, batch.epoch, sample});
    rows[row].picture = places_[sample].picture;
  }
}

void ResidentSet::make(const Batch& batch, int64_t first, int64_t count, TensorView to) {
  Device& device = upload_.device;
  if (batch.pixels) {
    const size_t place = size_t(batch.step) * size_t(loading_.batch) + size_t(first);
    device.queue_copy_to(static_cast<std::byte*>(pictures_.data()) + place * picture_bytes_,
                         batch.pixels.as<uint8_t>() + size_t(first) * picture_bytes_,
                         size_t(count) * picture_bytes_, Queue::upload);
    kept_ += size_t(count);
  }
  device.queue_copy_to(rows_.data(), static_cast<const PictureRow*>(slot_of(batch).rows.data()) + first,
                       size_t(count) * sizeof(PictureRow), Queue::upload);
  GatherProblem part = problem_;
  part.N = count;
  gather_->forward(upload_, part, {pictures_.data(), {part.pictures, part.H, part.W, part.C}, DType::u8},
                   static_cast<const PictureRow*>(rows_.data()), to);
}

}  // namespace gabor
