#include "data/loader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <numeric>
#include <set>
#include <thread>

#include "data/fingerprint.h"
#include "data/fixture.h"
#include "data/sampler.h"

namespace gabor {
namespace {

// Pictures made on demand; some slow, some bad, so that workers overtake one another.
class FakeDataset final : public Dataset {
 public:
  explicit FakeDataset(size_t size) : size_(size) { classes_ = {"a", "b", "c"}; }
  size_t size() const override { return size_; }
  int label(size_t i) const override { return int(i % 3); }
  std::string name(size_t i) const override { return "fake " + std::to_string(i); }
  int channels() const override { return 3; }
  std::optional<ImageSize> native_size() const override { return std::nullopt; }
  void load_into(size_t i, int channels, Image& image) const override {
    loads++;
    if (slow && i % 7 == 0) std::this_thread::sleep_for(std::chrono::microseconds(300 + 100 * (i % 5)));
    if (bad.contains(i)) fail(ErrorCode::data, name(i), "is bad");
    if (i == broken) throw std::bad_alloc();
    image = test::picture(6 + int(i % 3), 9, channels, uint32_t(i));
  }
  std::vector<uint8_t> bytes(size_t i) const override { return load(i, 3).pixels; }

  bool slow = true;
  std::set<size_t> bad;
  size_t broken = SIZE_MAX;
  mutable std::atomic<int> loads = 0;

 private:
  size_t size_;
};

std::vector<uint32_t> all_of(size_t size) {
  std::vector<uint32_t> v(size);
  std::iota(v.begin(), v.end(), 0u);
  return v;
}

const AugmentSpec kAugment{.crop = {.least = 0.35, .most = 1},
                           .translate = 2,
                           .flip = true,
                           .rand = {.ops = 2, .magnitude = 9},
                           .color = 0.2,
                           .erase = 0.25};
const LoaderOptions kOptions{
    .batch = 8, .height = 7, .width = 5, .channels = 3, .seed = 3, .augment = kAugment};

LoaderOptions with_threads(int threads) {
  LoaderOptions o = kOptions;
  o.threads = threads;
  return o;
}

void add(Fingerprint& print, const Batch& b) {
  print.add(uint64_t(b.count));
  print.add(b.pixels.data, b.pixels.bytes());
  print.add(b.labels.data, b.labels.bytes());
  print.add(b.samples.data(), b.samples.size() * sizeof(uint32_t));
}

// One hash a step.
std::vector<uint64_t> hashes(Loader& loader, int epoch, int first_step = 0) {
  std::vector<uint64_t> out;
  loader.start(epoch, first_step);
  while (Batch* b = loader.next()) {
    Fingerprint print;
    add(print, *b);
    EXPECT_EQ(b->epoch, epoch);
    EXPECT_EQ(b->step, first_step + int(out.size()));
    out.push_back(print.value());
    loader.release(b);
  }
  return out;
}

TEST(Loader, BatchesAreTheSameForAnyNumberOfThreads) {
  const auto dataset = std::make_shared<FakeDataset>(101);
  dataset->bad = {13, 55};
  std::vector<uint64_t> expected;
  for (int threads : {1, 2, 7, 16}) {
    LoaderOptions options = with_threads(threads);
    options.max_bad = 1;
    Loader loader(dataset, all_of(101), options);
    std::vector<uint64_t> got = hashes(loader, 0);
    const auto second = hashes(loader, 1);
    EXPECT_EQ(got.size(), 13u);
    EXPECT_NE(got, second);
    got.insert(got.end(), second.begin(), second.end());
    if (expected.empty()) expected = got;
    EXPECT_EQ(got, expected) << threads;
  }
}

TEST(Loader, StartInTheMiddleGivesTheRestOfTheEpoch) {
  const auto dataset = std::make_shared<FakeDataset>(101);
  Loader whole(dataset, all_of(101), with_threads(2));
  const auto expected = hashes(whole, 5);
  for (int step : {1, 6, 12, 13}) {
    Loader resumed(dataset, all_of(101), with_threads(3));
    EXPECT_EQ(hashes(resumed, 5, step), std::vector<uint64_t>(expected.begin() + step, expected.end()));
  }
}

TEST(Loader, RowsHoldTheRightPictureLabelAndFlip) {
  const auto dataset = std::make_shared<FakeDataset>(20);
  LoaderOptions options = with_threads(3);
  options.augment = {.flip = true};
  Loader loader(dataset, all_of(20), options);
  const auto order = epoch_order(all_of(20), kOptions.seed, 2);
  loader.start(2);
  size_t at = 0;
  int flips = 0;
  while (Batch* b = loader.next()) {
    EXPECT_EQ(b->pixels.shape, Shape({b->count, 7, 5, 3}));
    for (int row = 0; row < b->count; row++, at++) {
      const uint32_t sample = b->samples[size_t(row)];
      ASSERT_EQ(sample, order[at]);
      EXPECT_EQ(b->labels.as<int32_t>()[row], int(sample % 3));
      std::vector<uint8_t> expected(7 * 5 * 3);
      resize(dataset->load(sample, 3), 7, 5, Resize::antialias, expected.data());
      const uint8_t* got = b->pixels.as<uint8_t>() + size_t(row) * expected.size();
      const bool flipped = is_flipped({kOptions.seed, 2, sample});
      flips += flipped;
      for (int y = 0; y < 7; y++)
        for (int x = 0; x < 5; x++)
          for (int c = 0; c < 3; c++)
            ASSERT_EQ(got[(y * 5 + x) * 3 + c], expected[size_t((y * 5 + (flipped ? 4 - x : x)) * 3 + c)]);
    }
    loader.release(b);
  }
  EXPECT_EQ(at, 20u);
  EXPECT_GT(flips, 0);
  EXPECT_LT(flips, 20);
}

TEST(Loader, RowsAreAugmentedByTheirSampleWhereverTheyStand) {
  const auto dataset = std::make_shared<FakeDataset>(20);
  Loader loader(dataset, all_of(20), with_threads(3));
  loader.start(4);
  Image scratch;
  while (Batch* b = loader.next()) {
    for (int row = 0; row < b->count; row++) {
      const uint32_t sample = b->samples[size_t(row)];
      std::vector<uint8_t> expected(7 * 5 * 3);
      resize(dataset->load(sample, 3), 7, 5, Resize::antialias, expected.data());
      augment(kAugment, {kOptions.seed, 4, sample}, {expected.data(), 7, 5, 3}, scratch);
      const uint8_t* got = b->pixels.as<uint8_t>() + size_t(row) * expected.size();
      EXPECT_TRUE(std::equal(expected.begin(), expected.end(), got)) << sample;
    }
    loader.release(b);
  }
}

TEST(Loader, WithoutShuffleTheOrderIsThatOfTheSamples) {
  const auto dataset = std::make_shared<FakeDataset>(30);
  LoaderOptions options = with_threads(4);
  options.shuffle = false;
  const std::vector<uint32_t> samples{5, 3, 29, 0, 11, 12, 13, 14, 20};
  Loader loader(dataset, samples, options);
  EXPECT_EQ(loader.steps_per_epoch(), 2);
  loader.start(0);
  std::vector<uint32_t> got;
  while (Batch* b = loader.next()) {
    got.insert(got.end(), b->samples.begin(), b->samples.end());
    loader.release(b);
  }
  EXPECT_EQ(got, samples);
}

TEST(Loader, BadFilesAreMaskedNamedAndCountedOnce) {
  const auto dataset = std::make_shared<FakeDataset>(40);
  dataset->bad = {4, 17, 39};
  Loader loader(dataset, all_of(40), with_threads(4));
  for (int epoch = 0; epoch < 2; epoch++) {
    int masked = 0, bad = 0;
    loader.start(epoch);
    while (Batch* b = loader.next()) {
      bad += b->bad;
      for (int row = 0; row < b->count; row++) {
        if (b->labels.as<int32_t>()[row] != -1) continue;
        masked++;
        EXPECT_TRUE(dataset->bad.contains(b->samples[size_t(row)]));
        const uint8_t* pixels = b->pixels.as<uint8_t>() + row * 105;
        EXPECT_TRUE(std::all_of(pixels, pixels + 105, [](uint8_t p) { return p == 0; }));
      }
      loader.release(b);
    }
    EXPECT_EQ(masked, 3);
    EXPECT_EQ(bad, 3);
  }
  const auto files = loader.bad_files();
  ASSERT_EQ(files.size(), 3u);  // 3 of 40 is over 1 %, but 3 files are never too many
  for (const BadFile& f : files) EXPECT_EQ(f.reason, f.name + ": is bad");
}

TEST(Loader, TooManyBadFilesStopAtTheSameBatchWhateverTheThreads) {
  const auto dataset = std::make_shared<FakeDataset>(200);
  for (size_t i = 0; i < 200; i += 9) dataset->bad.insert(i);
  std::set<std::string> messages;
  for (int threads : {1, 5}) {
    Loader loader(dataset, all_of(200), with_threads(threads));
    loader.start(0);
    int steps = 0;
    const std::string message = test::error_of(ErrorCode::data, [&] {
      while (Batch* b = loader.next()) steps++, loader.release(b);
    });
    EXPECT_NE(message.find("of 200 files are bad, over the limit of 1 %"), std::string::npos) << message;
    messages.insert(message + std::to_string(steps));
    EXPECT_EQ(loader.next(), nullptr);
  }
  EXPECT_EQ(messages.size(), 1u);
}

TEST(Loader, FailPolicyAndForeignExceptionsSurfaceInNext) {
  const auto dataset = std::make_shared<FakeDataset>(40);
  dataset->bad = {25};
  LoaderOptions options = with_threads(3);
  options.bad_policy = BadPolicy::fail;
  options.shuffle = false;
  Loader loader(dataset, all_of(40), options);
  loader.start(0);
  int steps = 0;
  const std::string message = test::error_of(ErrorCode::data, [&] {
    while (Batch* b = loader.next()) steps++, loader.release(b);
  });
  EXPECT_EQ(message, "fake 25: is bad");
  EXPECT_EQ(steps, 3);

  dataset->bad.clear();
  dataset->broken = 1;
  loader.start(1);
  EXPECT_THROW(loader.next(), std::bad_alloc);
  dataset->broken = SIZE_MAX;
  EXPECT_EQ(hashes(loader, 2).size(), 5u);  // usable again
}

TEST(Loader, RingIsBoundedAndHoldingAllOfItIsAnError) {
  const auto dataset = std::make_shared<FakeDataset>(400);
  dataset->slow = false;
  LoaderOptions options = with_threads(4);
  options.prefetch = 1;
  Loader loader(dataset, all_of(400), options);
  loader.start(0);
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_LE(dataset->loads, 3 * 8);  // prefetch + 2 slots and not one picture more
  std::vector<Batch*> held;
  for (int i = 0; i < 3; i++) held.push_back(loader.next());
  test::error_of(ErrorCode::usage, [&] { loader.next(); });
  loader.release(held[0]);
  EXPECT_NE(loader.next(), nullptr);
}

TEST(Loader, CanBeDroppedOrRestartedAtAnyTime) {
  const auto dataset = std::make_shared<FakeDataset>(300);
  for (int steps = 0; steps < 12; steps++) {
    Loader loader(dataset, all_of(300), with_threads(1 + steps % 5));
    if (steps % 3 == 0) loader.start(0);
    loader.start(1);
    for (int i = 0; i < steps; i++) {
      Batch* b = loader.next();
      ASSERT_NE(b, nullptr);
      EXPECT_EQ(b->epoch, 1);
      if (i + 1 < steps) loader.release(b);
    }
  }
  Loader never_started(dataset, all_of(300), with_threads(2));
  EXPECT_EQ(never_started.next(), nullptr);
}

TEST(Loader, StatsCountImagesAndTime) {
  const auto dataset = std::make_shared<FakeDataset>(64);
  Loader loader(dataset, all_of(64), with_threads(2));
  hashes(loader, 0);
  const LoaderStats stats = loader.stats();
  EXPECT_EQ(stats.images, 64);
  EXPECT_EQ(stats.decoded, 64);
  EXPECT_GT(stats.decode_seconds, 0);
  EXPECT_GT(stats.resize_seconds, 0);
  EXPECT_GT(stats.wait_seconds, 0);
  hashes(loader, 1);
  const LoaderStats second = loader.stats().since(stats);
  EXPECT_EQ(second.images, 64);
  EXPECT_EQ(second.decoded, 64);
  EXPECT_GT(second.decode_seconds, 0);
  EXPECT_LT(second.decode_seconds, loader.stats().decode_seconds);
}

TEST(Loader, OptionsThatMakeNoSenseAreRefused) {
  const auto dataset = std::make_shared<FakeDataset>(4);
  const auto refuse = [&](auto change, const char* part) {
    LoaderOptions options = kOptions;
    change(options);
    const std::string message =
        test::error_of(ErrorCode::usage, [&] { Loader loader(dataset, all_of(4), options); });
    EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  refuse([](LoaderOptions& o) { o.batch = 0; }, "batch is 0");
  refuse([](LoaderOptions& o) { o.height = -3; }, "height is -3");
  refuse([](LoaderOptions& o) { o.channels = 2; }, "channels is 2");
  refuse([](LoaderOptions& o) { o.threads = -1; }, "threads is -1");
  refuse([](LoaderOptions& o) { o.max_bad = 2; }, "max_bad is 2");
  refuse([](LoaderOptions& o) { o.augment.color = 2; }, "color is 2");
  test::error_of(ErrorCode::usage, [&] { Loader loader(dataset, {}, kOptions); });
  test::error_of(ErrorCode::usage, [&] { Loader loader(dataset, {4}, kOptions); });
  Loader loader(dataset, all_of(4), kOptions);
  test::error_of(ErrorCode::usage, [&] { loader.start(0, 2); });
}

TEST(Loader, RealFilesThroughTheWholePath) {
  test::TempFolder temp;
  test::write_class_folders(temp.path(), {"a", "b"}, 30);
  test::write_bytes(temp.path("a/notes.txt"), {'h', 'i'});
  const DataSplits data = open_data(temp.path(), {.val_split = 0});
  std::vector<uint64_t> expected;
  for (int threads : {1, 2, 7, 16}) {
    Loader loader(data.dataset, data.train, with_threads(threads));
    const auto got = hashes(loader, 0);
    if (expected.empty()) expected = got;
    EXPECT_EQ(got, expected);
    ASSERT_EQ(loader.bad_files().size(), 1u);
    EXPECT_EQ(loader.bad_files()[0].name, "a/notes.txt");
  }
}

}  // namespace
}  // namespace gabor
