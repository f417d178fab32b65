// gabor's loader and its peers in C++, as tools/bench/loader/driver.py times them.
//   loader-bench KIND DATA SIDE THREADS CACHE
// KIND: antialias, linear, area, fast (decoded and resized, as in an epoch without a cache), write (antialias, and the
// cache of decoded pictures is made), cached (and is read), copy, opencv-linear, opencv-area, huffman. CACHE: a
// path for the cache, which is removed again.
// Makes one epoch, prints a line of JSON, and then as many epochs as each line of its input says; "done" after
// each line.
#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <numeric>
#include <optional>
#include <vector>

#include "core/error.h"
#include "cpp_loaders.h"
#include "data/decode.h"
#include "data/loader.h"

namespace gabor::bench {
namespace {

namespace fs = std::filesystem;

class Bench {
 public:
  Bench(std::string kind, const std::string& data, int side, int threads, const std::string& cache)
      : kind_(std::move(kind)), side_(side), threads_(threads) {
    cache_.path = cache;
    cache_.version = "bench";
    cache_.height = cache_.width = side;
    if (is_gabors()) {
      data_ = open_data(data, {.val_split = 0}).dataset;
      all_.resize(data_->size());
      std::iota(all_.begin(), all_.end(), 0u);
      if (kind_ == "cached") make_cache();
    } else {
      for (const auto& entry : fs::recursive_directory_iterator(data))
        if (entry.is_regular_file()) files_.push_back(entry.path().string());
      std::sort(files_.begin(), files_.end());
    }
    if (kind_ == "copy") {
      const size_t picture = size_t(side) * size_t(side) * 3;
      pictures_.assign(files_.size() * picture, 1);
      batches_.assign(size_t(LoaderOptions{}.batch * (LoaderOptions{}.prefetch + 2)) * picture, 0);
    }
  }
  ~Bench() { remove_caches(); }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  // Those of the epochs since the last call. Not within an epoch: a first epoch removes nothing.
  void remove_caches() {
    for (const std::string& path : made_) fs::remove(path);
    made_.clear();
  }

  Epoch epoch(bool with_mean) {
    if (kind_ == "copy") return copy_epoch(pictures_, side_, batches_);
    if (kind_ == "huffman") return huffman_epoch(files_, threads_);
    if (!is_gabors()) return opencv_epoch(files_, side_, threads_, kind_ == "opencv-area", with_mean);
    if (kind_ == "cached") return read(*cached_, with_mean);
    // A first epoch: with all that a loader needs to begin.
    std::shared_ptr<PictureCache> cache;
    if (kind_ == "write") {
      cache_.path += "+";
      made_.push_back(cache_.path);
      cache = open_cache();
    }
    Loader loader(data_, all_, options(cache));
    return read(loader, with_mean);
  }

 private:
  bool is_gabors() const {
    return kind_ != "copy" && kind_ != "huffman" && kind_ != "opencv-linear" && kind_ != "opencv-area";
  }

  LoaderOptions options(std::shared_ptr<PictureCache> cache) const {
    LoaderOptions o{.height = side_, .width = side_, .threads = threads_};
    if (kind_ == "linear" || kind_ == "area" || kind_ == "fast") o.resize = resize_from_name(kind_);
    o.max_bad = 0;
    o.cache = std::move(cache);
    return o;
  }

  std::shared_ptr<PictureCache> open_cache() const {
    const CacheContent content = cache_content(*data_, data_->stamp().value(), cache_);
    return std::make_shared<PictureCache>(cache_, content, all_);
  }

  void make_cache() {
    const auto cache = open_cache();
    cached_.emplace(data_, all_, options(cache));
    read(*cached_, false);
    fs::remove(cache_.path);  // it stays open
    if (cache->state() != PictureCache::State::ready)
      fail(ErrorCode::data, cache_.path, "the cache was not made");
  }

  static Epoch read(Loader& loader, bool with_mean) {
    Epoch epoch;
    loader.start(0);
    while (Batch* b = loader.next()) {
      epoch.images += b->count;
      const auto* bytes = b->pixels.as<uint8_t>();
      const size_t count = b->pixels.bytes();
      if (with_mean) epoch.levels += std::accumulate(bytes, bytes + count, 0.0) / double(count) * b->count;
      loader.release(b);
    }
    return epoch;
  }

  const std::string kind_;
  const int side_, threads_;
  CacheOptions cache_;
  std::vector<std::string> made_;  // paths of caches
  std::shared_ptr<const Dataset> data_;
  std::vector<uint32_t> all_;
  std::optional<Loader> cached_;
  std::vector<std::string> files_;
  std::vector<unsigned char> pictures_, batches_;
};

int run(char** argv) {
  // Memory that a loader has given back stays ours: a new loader an epoch would fault its batches in anew, which a
  // long epoch does once.
  mallopt(M_MMAP_THRESHOLD, 1 << 30), mallopt(M_TRIM_THRESHOLD, 1 << 30);
  Bench bench(argv[1], argv[2], std::atoi(argv[3]), std::atoi(argv[4]), argv[5]);
  const Epoch first = bench.epoch(true);
  fmt::print("{{\"images\": {}, \"mean\": {:.3f}, \"note\": \"{}\"}}\n", first.images,
             first.levels / first.images, decoder_versions());
  std::fflush(stdout);
  for (int epochs = 0; std::cin >> epochs;) {
    for (int i = 0; i < epochs; i++) bench.epoch(false);
    fmt::print("done\n");
    std::fflush(stdout);
    bench.remove_caches();
  }
  return 0;
}

}  // namespace
}  // namespace gabor::bench

int main(int argc, char** argv) try {
  if (argc == 6) return gabor::bench::run(argv);
  fmt::print(stderr, "usage: loader-bench KIND DATA SIDE THREADS CACHE\n");
  return 2;
} catch (const std::exception& e) {
  fmt::print(stderr, "loader-bench: {}\n", e.what());
  return 1;
}
