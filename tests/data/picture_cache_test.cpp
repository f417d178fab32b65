// The cache of decoded pictures in all states that its file can be in: batches must have the same bits always.
#include "data/picture_cache.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <numeric>

#include "core/philox.h"
#include "data/fingerprint.h"
#include "data/fixture.h"
#include "data/loader.h"
#include "data/source.h"

namespace gabor {
namespace {

namespace fs = std::filesystem;
using State = PictureCache::State;
using test::Bytes;
using test::operator+;

constexpr int kEpochs = 2;
using Hashes = std::vector<uint64_t>;

// Class folders of 23 pictures, two files that are none, and a folder for caches.
class Cache : public ::testing::Test {
 protected:
  Cache() {
    test::write_class_folders(photos(), {"a", "b"}, 12);
    test::write_bytes(photos() + "/a/notes.txt", {'h', 'i'});
    test::write_bytes(photos() + "/b/105.png", {'n', 'o', 'n', 'e'});
  }

  std::string photos() const { return temp.path("photos"); }
  std::string file() const { return temp.path("caches/photos.pixels"); }
  CacheOptions options() const {
    return {.path = file(), .version = "1.0", .height = 7, .width = 5, .channels = 3};
  }

  // As a new run would open it: files are looked at anew.
  std::shared_ptr<PictureCache> open(const CacheOptions& o) const {
    const DataSplits d = open_data(photos(), {});
    std::vector<uint32_t> wanted = d.train;
    wanted.insert(wanted.end(), d.val.begin(), d.val.end());
    return std::make_shared<PictureCache>(o, cache_content(*d.dataset, *d.dataset->stamp(), o), wanted);
  }
  std::shared_ptr<PictureCache> open() const { return open(options()); }

  LoaderOptions loading(std::shared_ptr<PictureCache> cache, int threads) const {
    LoaderOptions o{.batch = 4, .height = 7, .width = 5, .channels = 3, .threads = threads, .seed = 3};
    o.augment = {
        .crop = {.least = 0.35, .most = 1}, .translate = 2, .flip = true, .color = 0.2, .erase = 0.25};
    o.max_bad = 1;
    o.cache = std::move(cache);
    return o;
  }

  // One hash a batch of training and validation, over epochs; the bad files that were named come last.
  Hashes run(const std::shared_ptr<PictureCache>& cache, int threads = 2, int first_step = 0) const {
    const DataSplits d = open_data(photos(), {});
    Loader train(d.dataset, d.train, loading(cache, threads)), val(d.dataset, d.val, loading(cache, threads));
    Hashes out;
    Fingerprint bad;
    for (int epoch = 0; epoch < kEpochs; epoch++)
      for (Loader* loader : {&train, &val}) {
        loader->start(epoch, epoch == 0 && loader == &train ? first_step : 0);
        while (Batch* b = loader->next()) {
          Fingerprint print;
          print.add(b->pixels.data, b->pixels.bytes());
          print.add(b->labels.data, b->labels.bytes());
          print.add(uint64_t(b->bad));
          out.push_back(print.value());
          loader->release(b);
        }
        for (const BadFile& f : loader->bad_files()) bad.add(f.reason);
      }
    out.push_back(bad.value());
    return out;
  }

  // Leaves a whole file and returns what every run must give.
  Hashes prepare() const {
    const Hashes expected = run(nullptr);
    EXPECT_EQ(run(open()), expected);
    EXPECT_TRUE(fs::exists(file()));
    return expected;
  }

  // The file as it is now is not believed; a run gives the same bits and leaves a good one, after one note.
  void expect_rebuilt(const Hashes& expected, const std::string& part_of_note) const {
    const auto cache = open();
    EXPECT_EQ(cache->state(), State::building);
    const auto notes = cache->take_notes();
    ASSERT_EQ(notes.size(), 1u);
    EXPECT_NE(notes[0].find(part_of_note), std::string::npos) << notes[0];
    EXPECT_EQ(run(cache), expected);
    EXPECT_EQ(open()->state(), State::ready);
  }

  // Of all files and folders of the data set.
  std::map<std::string, fs::file_time_type> write_times() const {
    std::map<std::string, fs::file_time_type> times{{"", fs::last_write_time(photos())}};
    for (const auto& entry : fs::recursive_directory_iterator(photos()))
      times[entry.path().string()] = fs::last_write_time(entry.path());
    return times;
  }

  std::vector<std::string> files_beside() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(temp.path("caches")))
      names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
  }

  test::TempFolder temp;
};

TEST_F(Cache, BatchesAreTheSameWithoutWhileItIsMadeAndFromIt) {
  const std::string before = test::hex_hash(photos());
  const auto times = write_times();
  const Hashes expected = run(nullptr);
  for (int threads : {1, 2, 7, 16}) {
    fs::remove(file());
    const auto cache = open();
    EXPECT_EQ(cache->state(), State::building);
    EXPECT_EQ(run(cache, threads), expected) << threads;
    EXPECT_EQ(cache->state(), State::ready);
    const auto later = open();
    EXPECT_EQ(later->state(), State::ready);
    EXPECT_EQ(run(later, threads), expected) << threads;
    EXPECT_TRUE(cache->take_notes().empty() && later->take_notes().empty());
  }
  EXPECT_EQ(files_beside(), std::vector<std::string>{"photos.pixels"});
  EXPECT_EQ(test::hex_hash(photos()), before);
  EXPECT_EQ(write_times(), times);
}

TEST_F(Cache, BatchesAreTheSameAfterAResumeAtAnyStep) {
  const Hashes expected = run(nullptr);
  for (int step = 0; step <= 5; step++) {
    const Hashes rest(expected.begin() + step, expected.end());
    fs::remove(file());
    Hashes making = run(open(), 3, step), made = run(open(), 3, step);
    making.pop_back(), made.pop_back();  // bad files of the steps left out are not named
    EXPECT_EQ(making, Hashes(rest.begin(), rest.end() - 1)) << step;
    EXPECT_EQ(made, making) << step;
  }
}

TEST_F(Cache, NeedsNoFileOfTheDataSetOnceItIsWhole) {
  prepare();
  const auto cache = open();
  const DataSplits d = open_data(photos(), {});
  fs::rename(photos(), temp.path("elsewhere"));
  std::vector<Bytes> loaded(d.dataset->size());
  for (uint32_t i = 0; i < loaded.size(); i++) {
    loaded[i].resize(7 * 5 * 3);
    if (!cache->load(i, loaded[i].data())) loaded[i].clear();
  }
  fs::rename(temp.path("elsewhere"), photos());
  int bad = 0;
  for (uint32_t i = 0; i < loaded.size(); i++) {
    if (loaded[i].empty()) {
      test::error_of(ErrorCode::data, [&] { d.dataset->load(i, 3); });
      bad++;
      continue;
    }
    Bytes decoded(loaded[i].size());
    resize(d.dataset->load(i, 3), 7, 5, Resize::antialias, decoded.data());
    EXPECT_EQ(loaded[i], decoded) << i;
  }
  EXPECT_EQ(bad, 2);
}

TEST_F(Cache, CutAnywhereItIsMadeAnew) {
  const Hashes expected = prepare();
  const Bytes whole = test::read_bytes(file());
  Random random({11, Purpose::test, 0});
  std::vector<size_t> lengths{0, 1, 55, 56, 4095, 4096, 8191, 8192, whole.size() - 1};
  for (int i = 0; i < 12; i++) lengths.push_back(random.below(uint32_t(whole.size())));
  for (size_t length : lengths) {
    test::write_bytes(file(), Bytes(whole.begin(), whole.begin() + std::ptrdiff_t(length)));
    expect_rebuilt(expected, "is cut short");
  }
  test::write_bytes(file(), whole + Bytes{0});
  expect_rebuilt(expected, "is cut short");
}

TEST_F(Cache, AFlippedByteNeverReachesABatch) {
  const Hashes expected = prepare();
  const Bytes whole = test::read_bytes(file());
  const uint64_t records = open()->content().records_at();
  Random random({12, Purpose::test, 0});
  int not_believed = 0, records_dropped = 0;
  for (int i = 0; i < 1000; i++) {
    // Half of them where header and index are, which is less than the records are long.
    const size_t at = i % 2 ? random.below(uint32_t(whole.size())) : random.below(700) + (i % 4 ? 4096 : 0);
    Bytes damaged = whole;
    damaged[at] ^= uint8_t(1 + random.below(255));
    test::write_bytes(file(), damaged);
    const auto cache = open();
    not_believed += cache->state() == State::building;
    ASSERT_EQ(run(cache, 1), expected) << "byte " << at;
    if (at >= records && cache->state() == State::ready && !fs::exists(file())) {
      records_dropped++;
      ASSERT_EQ(cache->take_notes().size(), 1u);
    }
    if (!fs::exists(file())) continue;
    ASSERT_EQ(run(open(), 1), expected) << "byte " << at;
  }
  EXPECT_GT(not_believed, 100);
  EXPECT_GT(records_dropped, 50);
}

// The name is there and the header, but not the pictures: nothing was synced.
TEST_F(Cache, WhatACrashOfTheMachineLosesIsDecoded) {
  const Hashes expected = prepare();
  Bytes lost = test::read_bytes(file());
  std::fill(lost.begin() + std::ptrdiff_t(open()->content().record_at(3)), lost.end(), uint8_t(0));
  test::write_bytes(file(), lost);
  const auto cache = open();
  EXPECT_EQ(cache->state(), State::ready);
  EXPECT_EQ(run(cache), expected);
  EXPECT_EQ(cache->take_notes().size(), 1u);
  EXPECT_EQ(open()->state(), State::building);
}

TEST_F(Cache, ForeignFilesAreMadeAnew) {
  const Hashes expected = prepare();
  test::write_bytes(file(), Bytes(20000, 'x'));
  expect_rebuilt(expected, "is no cache of gabor");
  fs::remove(file());
  fs::create_directories(file());
  EXPECT_EQ(open()->state(), State::building);
}

TEST_F(Cache, OtherPreprocessingOrVersionIsMadeAnew) {
  prepare();
  const auto changed = [&](auto change) {
    CacheOptions o = options();
    change(o);
    {
      const auto cache = open(o);
      EXPECT_EQ(cache->state(), State::building);
      const auto notes = cache->take_notes();
      ASSERT_EQ(notes.size(), 1u);
      EXPECT_NE(notes[0].find("was made from other files or options"), std::string::npos) << notes[0];
    }
    prepare();
  };
  changed([](CacheOptions& o) { o.version = "1.1"; });
  changed([](CacheOptions& o) { o.resize = Resize::linear; });
  changed([](CacheOptions& o) { o.height = 5, o.width = 7; });
  changed([](CacheOptions& o) { o.channels = 1; });
}

TEST_F(Cache, ChangedAddedAndRemovedFilesMakeItStale) {
  prepare();
  const auto stale = [&] {
    const Hashes expected = run(nullptr);
    expect_rebuilt(expected, "was made from other files or options");
  };
  test::write_picture(photos() + "/a/103.png", 77);
  stale();
  const auto time = fs::last_write_time(photos() + "/a/104.png");
  fs::last_write_time(photos() + "/a/104.png", time + std::chrono::nanoseconds(1));
  stale();
  test::write_picture(photos() + "/b/900.png", 78);
  stale();
  fs::remove(photos() + "/b/900.png");
  stale();
  fs::rename(photos() + "/a/104.png", photos() + "/a/1040.png");
  stale();
}

TEST_F(Cache, TarAndCsvHaveStampsTooAndRawSetsHaveNone) {
  test::write_bytes(temp.path("list.csv"), [] {
    const std::string text = "photos/a/100.png,a\nphotos/b/100.png,b\n";
    return Bytes(text.begin(), text.end());
  }());
  const auto csv = [&] { return open_data(temp.path("list.csv"), {.val_split = 0}).dataset->stamp(); };
  const auto before = csv();
  ASSERT_TRUE(before);
  EXPECT_EQ(csv()->fingerprint, before->fingerprint);
  test::write_picture(photos() + "/a/100.png", 99, 20, 20);
  EXPECT_NE(csv()->fingerprint, before->fingerprint);

  const Bytes png = test::read_bytes(photos() + "/b/100.png");
  test::write_bytes(temp.path("set.tar"),
                    test::tar_member("a/1.png", png) + test::tar_member("b/1.png", png) + test::tar_end());
  const auto tar = [&] { return open_data(temp.path("set.tar"), {.val_split = 0}).dataset->stamp(); };
  const auto tar_before = tar();
  ASSERT_TRUE(tar_before);
  EXPECT_EQ(tar_before->bytes, 2 * png.size());
  fs::last_write_time(temp.path("set.tar"), fs::file_time_type::clock::now() + std::chrono::seconds(2));
  EXPECT_NE(tar()->fingerprint, tar_before->fingerprint);

  RawPictures raw{.name = "raw", .size = {1, 1}, .channels = 1, .pixels = {1, 2}, .labels = {0, 1}};
  EXPECT_FALSE(make_raw_dataset({raw}, {"a", "b"})->stamp());
}

TEST_F(Cache, AnUnfinishedOneLeavesNothing) {
  {
    const auto cache = open();
    const DataSplits d = open_data(photos(), {});
    Loader train(d.dataset, d.train, loading(cache, 2));
    train.start(0);
    train.release(train.next());
    EXPECT_EQ(files_beside(), std::vector<std::string>{"photos.pixels.part"});
  }
  EXPECT_TRUE(files_beside().empty());
  EXPECT_EQ(open()->state(), State::building);
}

// A process that is killed at its n-th picture; what it leaves is not believed, and its space is used again.
TEST_F(Cache, AKilledWriterIsNotBelieved) {
  const Hashes expected = run(nullptr);
  for (uint32_t pictures : {0u, 1u, 9u, 20u}) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      const auto cache = open();
      const std::vector<uint8_t> wrong(7 * 5 * 3, 0xAA);
      for (uint32_t i = 0; i < pictures; i++) cache->store(i, wrong.data());
      ::kill(::getpid(), SIGKILL);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status));
    EXPECT_EQ(files_beside(), std::vector<std::string>{"photos.pixels.part"});
    const auto cache = open();
    EXPECT_EQ(cache->state(), State::building);
    EXPECT_EQ(run(cache), expected);
    EXPECT_EQ(files_beside(), std::vector<std::string>{"photos.pixels"});
    fs::remove(file());
  }
}

TEST_F(Cache, OneWritesAtATimeAndTheOthersDecode) {
  const Hashes expected = run(nullptr);
  const auto first = open(), second = open();
  EXPECT_EQ(first->state(), State::building);
  EXPECT_EQ(second->state(), State::off);
  const auto notes = second->take_notes();
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_NE(notes[0].find("another process is making it"), std::string::npos) << notes[0];
  EXPECT_EQ(run(second), expected);
  EXPECT_EQ(run(first), expected);
  EXPECT_EQ(open()->state(), State::ready);
}

TEST_F(Cache, ProcessesAtOnceGetTheSameBatches) {
  const Hashes expected = run(nullptr);
  std::vector<pid_t> children;
  for (int i = 0; i < 6; i++) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) _exit(run(open()) == expected && run(open()) == expected ? 0 : 1);
    children.push_back(child);
  }
  for (pid_t child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  }
  EXPECT_EQ(open()->state(), State::ready);
  EXPECT_EQ(files_beside(), std::vector<std::string>{"photos.pixels"});
}

// As on a file system that could not reserve the space, and is full in the middle.
TEST_F(Cache, WritesThatFailEndTheCacheAndNotTheRun) {
  const Hashes expected = run(nullptr);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto cache = open();
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{8192 + 5 * 105, RLIM_INFINITY};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const bool same = run(cache) == expected;
    const auto notes = cache->take_notes();
    const bool told =
        notes.size() == 1 && notes[0].find("cannot be written: File too large") != std::string::npos;
    _exit(same && told && cache->state() == State::off ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  EXPECT_FALSE(fs::exists(file()));
}

TEST_F(Cache, LoaderRefusesACacheOfOtherPictures) {
  const DataSplits d = open_data(photos(), {});
  LoaderOptions o = loading(open(), 1);
  o.width = 6;
  const std::string message = test::error_of(ErrorCode::usage, [&] { Loader loader(d.dataset, d.train, o); });
  EXPECT_NE(message.find("is of other pictures"), std::string::npos) << message;
}

}  // namespace
}  // namespace gabor
