#include "data/loader.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <stop_token>
#include <thread>
#include <unordered_set>
#include <utility>

#include "core/error.h"
#include "core/text.h"
#include "data/augment/mix.h"
#include "data/sampler.h"

namespace gabor {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

enum class SlotState : uint8_t { free, filling, lent };

struct BadRow {
  int row = 0;
  std::string reason;
};

struct Slot {
  HostBuffer pixels, labels;
  Batch batch;
  SlotState state = SlotState::free;
  int written = 0, done = 0;     // rows; done ones are mixed too, where that is asked for
  std::vector<BadRow> bad_rows;  // counted when the batch goes out, so that counts do not depend on timing
  std::exception_ptr failure;    // of the lowest row that failed
  int failed_row = 0;
};

void check_options(const LoaderOptions& o, const std::vector<uint32_t>& samples, const Dataset& dataset) {
  const auto refuse = [](const char* what, auto value, const char* expected) {
    fail(ErrorCode::usage, "loader", "{} is {}; expected {}", what, value, expected);
  };
  if (o.batch < 1) refuse("batch", o.batch, "1 or more");
  if (o.height < 1) refuse("height", o.height, "1 or more");
  if (o.width < 1) refuse("width", o.width, "1 or more");
  if (o.channels != 1 && o.channels != 3) refuse("channels", o.channels, "1 or 3");
  if (o.threads < 0 || o.threads > 1024) refuse("threads", o.threads, "0 (chosen by itself) to 1024");
  if (o.prefetch < 0 || o.prefetch > 64) refuse("prefetch", o.prefetch, "0 to 64");
  check(o.augment);
  if (!(o.max_bad >= 0 && o.max_bad <= 1)) refuse("max_bad", o.max_bad, "0 to 1");
  if (o.cache) {
    const CacheOptions& c = o.cache->options();
    if (c.height != o.height || c.width != o.width || c.channels != o.channels || c.resize != o.resize ||
        o.cache->content().count != dataset.size())
      fail(ErrorCode::usage, "loader", "the cache {} is of other pictures", printable(c.path));
  }
  if (samples.empty()) fail(ErrorCode::usage, "loader", "there are no samples to load");
  for (uint32_t s : samples)
    if (s >= dataset.size())
      fail(ErrorCode::usage, "loader", "sample {} is beyond the {} of the data set", s, dataset.size());
}

int default_threads() { return std::max(1, int(std::thread::hardware_concurrency()) - 1); }

}  // namespace

struct Loader::State {
  State(std::shared_ptr<const Dataset> dataset_in, std::vector<uint32_t> samples_in, LoaderOptions options_in)
      : dataset(std::move(dataset_in)), samples(std::move(samples_in)), options(options_in) {
    check_options(options, samples, *dataset);
    // memcpy-sized work (MNIST, CIFAR) takes several tickets at a time: the lock would be the bottleneck
    chunk = dataset->native_size() ? 32 : 1;
    const int64_t image_elements =
        checked_mul(int64_t{options.height} * options.width, options.channels, "loader: an image");
    image_bytes = size_t(image_elements);
    label_bytes = options.augment.mixes() ? sizeof(MixedLabel) : sizeof(int32_t);
    const int64_t batch_bytes = checked_mul(options.batch, image_elements, "loader: a batch");
    slots = std::vector<Slot>(size_t(options.prefetch) + 2);
    Device& device = options.device ? *options.device : host_device();
    for (Slot& slot : slots) {
      slot.pixels = HostBuffer(device, size_t(batch_bytes));
      slot.labels = HostBuffer(device, size_t(options.batch) * label_bytes);
    }
    const int threads = options.threads > 0 ? options.threads : default_threads();
    for (int t = 0; t < threads; t++) workers.emplace_back([this](std::stop_token stop) { work(stop); });
  }

  ~State() {
    for (std::jthread& worker : workers)
      worker.request_stop();  // all at once, then the members' destructors join
  }

  struct Tickets {
    Slot* slot = nullptr;
    int first_row = 0, count = 0;
  };

  int steps() const { return int((samples.size() + size_t(options.batch) - 1) / size_t(options.batch)); }
  Slot& slot_of(int step) { return slots[size_t(step) % slots.size()]; }

  // Under the lock: is there a ticket whose slot can take it?
  bool has_work() {
    if (next_ticket >= end_ticket) return false;
    const bool opens_slot = next_ticket % size_t(options.batch) == 0;
    return !opens_slot || slot_of(int(next_ticket / size_t(options.batch))).state == SlotState::free;
  }

  // Under the lock.
  Tickets take() {
    const size_t batch = size_t(options.batch);
    const int step = int(next_ticket / batch);
    Slot& slot = slot_of(step);
    const int row = int(next_ticket % batch);
    if (row == 0) open(slot, step);
    const int count = std::min(chunk, slot.batch.count - row);
    next_ticket += size_t(count);
    in_flight++;
    return {&slot, row, count};
  }

  void open(Slot& slot, int step) {
    slot.state = SlotState::filling;
    slot.written = slot.done = 0;
    slot.bad_rows.clear();
    slot.failure = nullptr;
    const size_t first = size_t(step) * size_t(options.batch);
    const int count = int(std::min(size_t(options.batch), order.size() - first));
    Batch& b = slot.batch;
    b.count = count;
    b.pixels = {slot.pixels.data(), {count, options.height, options.width, options.channels}, DType::u8};
    b.labels = {slot.labels.data(), options.augment.mixes() ? Shape{count, 3} : Shape{count}, DType::i32};
    b.samples.assign(order.begin() + std::ptrdiff_t(first), order.begin() + std::ptrdiff_t(first) + count);
    b.epoch = epoch;
    b.step = step;
    b.bad = 0;
  }

  void work(const std::stop_token& stop) {
    Image scratch;
    std::unique_lock lock(mutex);
    while (true) {
      work_there.wait(lock, stop, [&] { return has_work(); });
      if (stop.stop_requested()) return;
      const Tickets tickets = take();
      if (has_work()) work_there.notify_one();
      lock.unlock();
      LoaderStats done{.images = tickets.count};
      for (int row = tickets.first_row; row < tickets.first_row + tickets.count; row++)
        fill(*tickets.slot, row, scratch, done);
      lock.lock();
      counters += done;
      tickets.slot->written += tickets.count;
      if (options.augment.mixes() && tickets.slot->written == tickets.slot->batch.count) {
        lock.unlock();  // the last to come has the batch for himself
        mix_rows(*tickets.slot, scratch);
        lock.lock();
      }
      tickets.slot->done += tickets.count;
      in_flight--;
      if (tickets.slot->done == tickets.slot->batch.count || (settling && in_flight == 0))
        batch_done.notify_all();
    }
  }

  // Pixels of one sample, resized and not augmented: as the cache keeps them.
  void load(uint32_t sample, uint8_t* pixels, Image& scratch, LoaderStats& done) {
    PictureCache* cache = options.cache.get();
    if (cache && cache->load(sample, pixels)) return;
    try {
      const Clock::time_point begin = Clock::now();
      dataset->load_at_least(sample, options.channels,
                             decode_size(options.resize, options.height, options.width), scratch);
      const Clock::time_point decoded = Clock::now();
      resize(scratch, options.height, options.width, options.resize, pixels);
      done.decoded++;
      done.decode_seconds += std::chrono::duration<double>(decoded - begin).count();
      done.resize_seconds += seconds_since(decoded);
    } catch (const Error&) {
      if (cache) cache->skip(sample);
      throw;
    }
    if (cache) cache->store(sample, pixels);
  }

  PixelView view_of(uint8_t* pixels) const {
    return {pixels, options.height, options.width, options.channels};
  }

  static MixedLabel* mixed_labels(const Batch& batch) { return static_cast<MixedLabel*>(batch.labels.data); }

  // Each row with the next one as that was before, and the last with the first.
  void mix_rows(Slot& slot, Image& scratch) try {
    const Batch& batch = slot.batch;
    auto* pixels = batch.pixels.as<uint8_t>();
    MixedLabel* labels = mixed_labels(batch);
    copy_to(view_of(pixels), scratch);
    const int32_t first_label = labels[0].first;
    for (int row = 0; batch.count > 1 && row < batch.count; row++) {
      const bool last = row + 1 == batch.count;
      uint8_t* at = pixels + size_t(row) * image_bytes;
      mix(options.augment, {options.seed, batch.epoch, batch.samples[size_t(row)]}, view_of(at), labels[row],
          last ? scratch.pixels.data() : at + image_bytes, last ? first_label : labels[row + 1].first);
    }
  } catch (...) {
    note_failure(slot, 0);
  }

  // One row of a slot; no other thread touches that row.
  void fill(Slot& slot, int row, Image& scratch, LoaderStats& done) {
    const uint32_t sample = slot.batch.samples[size_t(row)];
    uint8_t* pixels = slot.batch.pixels.as<uint8_t>() + size_t(row) * image_bytes;
    const auto set_label = [&](int32_t label) {
      if (options.augment.mixes())
        mixed_labels(slot.batch)[row] = {label, label};
      else
        slot.batch.labels.as<int32_t>()[row] = label;
    };
    try {
      load(sample, pixels, scratch, done);
      augment(options.augment, {options.seed, slot.batch.epoch, sample}, view_of(pixels), scratch);
      set_label(dataset->label(sample));
    } catch (const Error& e) {
      std::memset(pixels, 0, image_bytes);
      set_label(-1);
      if (e.code() == ErrorCode::data && options.bad_policy == BadPolicy::skip)
        note_bad(slot, row, e.what());
      else
        note_failure(slot, row);
    } catch (...) {
      note_failure(slot, row);
    }
  }

  void note_bad(Slot& slot, int row, std::string reason) {
    const std::lock_guard lock(mutex);
    slot.bad_rows.push_back({row, std::move(reason)});
  }

  void note_failure(Slot& slot, int row) {
    const std::lock_guard lock(mutex);
    if (slot.failure && slot.failed_row < row) return;
    slot.failure = std::current_exception();
    slot.failed_row = row;
  }

  // Under the lock: no ticket is handed out any more, and none is being worked on.
  void settle(std::unique_lock<std::mutex>& lock) {
    end_ticket = next_ticket = 0;
    settling = true;
    batch_done.wait(lock, [&] { return in_flight == 0; });
    settling = false;
  }

  // Under the lock: adds the slot's bad rows to the list and throws when there are too many.
  void count_bad(Slot& slot) {
    std::sort(slot.bad_rows.begin(), slot.bad_rows.end(),
              [](const BadRow& a, const BadRow& b) { return a.row < b.row; });
    slot.batch.bad = int(slot.bad_rows.size());
    for (BadRow& bad : slot.bad_rows) {
      const uint32_t sample = slot.batch.samples[size_t(bad.row)];
      if (bad_samples.insert(sample).second)
        bad_list.push_back({sample, dataset->name(sample), std::move(bad.reason)});
    }
    if (bad_list.size() > 3 && double(bad_list.size()) > options.max_bad * double(samples.size()))
      fail(ErrorCode::data, "", "{} of {} files are bad, over the limit of {:.3g} %; the first: {}",
           bad_list.size(), samples.size(), 100 * options.max_bad, bad_list[0].reason);
  }

  const std::shared_ptr<const Dataset> dataset;
  const std::vector<uint32_t> samples;
  const LoaderOptions options;
  int chunk = 1;
  size_t image_bytes = 0, label_bytes = 0;  // of a row

  mutable std::mutex mutex;  // guards all below, save the rows being filled
  std::condition_variable_any work_there;
  std::condition_variable batch_done;
  std::vector<Slot> slots;
  std::vector<uint32_t> order;  // changed only while no ticket is out
  int epoch = 0;
  int next_step = 0;  // that next() hands out
  size_t next_ticket = 0, end_ticket = 0;
  int in_flight = 0;      // tickets' takers that have not come back
  bool settling = false;  // somebody waits for them
  LoaderStats counters;
  std::vector<BadFile> bad_list;
  std::unordered_set<uint32_t> bad_samples;
  std::vector<std::jthread> workers;  // last: ends before what it uses
};

LoaderStats& LoaderStats::operator+=(const LoaderStats& more) {
  images += more.images, decoded += more.decoded;
  decode_seconds += more.decode_seconds, resize_seconds += more.resize_seconds;
  wait_seconds += more.wait_seconds;
  return *this;
}

LoaderStats LoaderStats::since(const LoaderStats& before) const {
  return {images - before.images, decoded - before.decoded, decode_seconds - before.decode_seconds,
          resize_seconds - before.resize_seconds, wait_seconds - before.wait_seconds};
}

Loader::Loader(std::shared_ptr<const Dataset> dataset, std::vector<uint32_t> samples, LoaderOptions options)
    : state_(std::make_unique<State>(std::move(dataset), std::move(samples), options)) {}

Loader::~Loader() = default;

int Loader::steps_per_epoch() const { return state_->steps(); }

void Loader::start(int epoch, int first_step) {
  State& s = *state_;
  if (epoch < 0 || first_step < 0 || first_step > s.steps())
    fail(ErrorCode::usage, "loader", "cannot start at epoch {}, step {}; an epoch has {} steps", epoch,
         first_step, s.steps());
  std::unique_lock lock(s.mutex);
  s.settle(lock);
  for (Slot& slot : s.slots) slot.state = SlotState::free;
  s.order = s.options.shuffle ? epoch_order(s.samples, s.options.seed, epoch) : s.samples;
  s.epoch = epoch;
  s.next_step = first_step;
  s.next_ticket = size_t(first_step) * size_t(s.options.batch);
  s.end_ticket = s.order.size();
  s.work_there.notify_all();
}

Batch* Loader::next() {
  State& s = *state_;
  std::unique_lock lock(s.mutex);
  if (s.next_step >= s.steps() || s.end_ticket == 0) return nullptr;
  Slot& slot = s.slot_of(s.next_step);
  if (slot.state == SlotState::lent)
    fail(ErrorCode::usage, "loader", "all {} batches are out; release one before the next", s.slots.size());
  const Clock::time_point begin = Clock::now();
  s.batch_done.wait(lock, [&] { return slot.state == SlotState::filling && slot.done == slot.batch.count; });
  s.counters.wait_seconds += seconds_since(begin);
  try {
    if (slot.failure) std::rethrow_exception(slot.failure);
    s.count_bad(slot);
  } catch (...) {
    s.settle(lock);  // the epoch is over
    throw;
  }
  slot.state = SlotState::lent;
  s.next_step++;
  return &slot.batch;
}

void Loader::release(Batch* batch) {
  if (!batch) return;
  State& s = *state_;
  const std::lock_guard lock(s.mutex);
  for (Slot& slot : s.slots)
    if (&slot.batch == batch && slot.state == SlotState::lent) slot.state = SlotState::free;
  s.work_there.notify_one();
}

LoaderStats Loader::stats() const {
  const std::lock_guard lock(state_->mutex);
  return state_->counters;
}

std::vector<BadFile> Loader::bad_files() const {
  const std::lock_guard lock(state_->mutex);
  return state_->bad_list;
}

}  // namespace gabor
