// The loader: worker threads turn files into batches of uint8 pixels, in a bounded ring, in an order that
// depends on (seed, epoch) alone.
//
// One counter hands out tickets; ticket t is sample t of the epoch's order and goes to ring slot (t / batch)
// % slots, row t % batch. So nothing is reordered or copied afterwards, and any number of threads gives the
// same batches.
#pragma once
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "core/tensor.h"
#include "data/augment/augment.h"
#include "data/dataset.h"
#include "data/picture_cache.h"
#include "data/resize.h"
#include "device/device.h"

namespace gabor {

enum class BadPolicy : uint8_t {
  skip,  // the row is zeros with label -1, which a loss ignores: order and batch size stay as they are
  fail,  // next() throws at the batch that holds it
};

struct LoaderOptions {
  int batch = 32;
  int height = 0, width = 0, channels = 3;  // of the pixels handed out; channels 1 or 3
  Resize resize = Resize::antialias;
  int threads = 0;           // workers; 0 = one less than the machine has, at least 1
  uint64_t seed = 1;         // of order and augmentation
  bool shuffle = true;       // false: the order of samples
  AugmentSpec augment{};     // of every picture, anew each epoch
  int prefetch = 2;          // batches made ahead; prefetch + 2 slots exist
  Device* device = nullptr;  // whose queued copies read the batches; null: no device's
  double max_bad =
      0.01;  // with skip: next() throws when more than this share of the samples (and more than 3) is bad
  BadPolicy bad_policy = BadPolicy::skip;
  std::shared_ptr<PictureCache> cache{};  // of this data set, in this form; null: every picture is decoded
};

// Borrowed from the loader between next() and release().
struct Batch {
  int count = 0;      // rows; the last batch of an epoch may have fewer than options.batch
  TensorView pixels;  // u8 {count,H,W,C}, RGB or gray, 0..255
  TensorView
      labels;  // i32 {count}; -1 where the file was bad. Where augmentation mixes: {count,3} (augment/mix.h)
  std::vector<uint32_t> samples;  // row -> index into the data set
  int epoch = 0, step = 0;
  int bad = 0;  // rows with label -1
};

struct LoaderStats {
  int64_t images = 0;         // made since construction
  int64_t decoded = 0;        // of these, from their files; the others came from the cache, or are bad
  double decode_seconds = 0;  // reading and decoding those, summed over the workers
  double resize_seconds = 0;  // resizing them, likewise
  double wait_seconds = 0;    // next() blocked: the training waited for data
  LoaderStats& operator+=(const LoaderStats& more);
  LoaderStats since(const LoaderStats& before) const;  // what was done between the two
};

struct BadFile {
  uint32_t sample = 0;
  std::string name;
  std::string reason;
};

// start(), next(), release() belong to one thread; stats() and bad_files() may be called from any.
class Loader {
 public:
  // samples: which of the data set's, in the unshuffled order. Throws Error{usage} for options that make no
  // sense, Error{memory} when the ring cannot be allocated.
  Loader(std::shared_ptr<const Dataset> dataset, std::vector<uint32_t> samples, LoaderOptions options);
  ~Loader();  // at any time, in the middle of an epoch too

  int steps_per_epoch() const;  // the last, smaller batch counts
  // Begins an epoch at a step (0 <= first_step <= steps_per_epoch()); an unfinished one is dropped, and its
  // batches with it: release or forget them first.
  void start(int epoch, int first_step = 0);
  // The next batch; blocks until it is whole; nullptr at the end of the epoch. Throws what went wrong with
  // the rows of that batch; the epoch is then over. At most prefetch + 2 batches can be out at once
  // (Error{usage} beyond).
  Batch* next();
  void release(Batch* batch);  // its slot is used again; nullptr does nothing

  LoaderStats stats() const;
  std::vector<BadFile> bad_files() const;  // met so far, each once, in the order of the batches

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gabor
