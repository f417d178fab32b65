// One epoch of the loader without the cache of decoded pictures, while it is written, and from it; and a plain
// copy of the same bytes, the floor of the last. In turns, so that a busy machine slows all of them.
//   cache-bench DATA HEIGHT WIDTH THREADS ROUNDS FOLDER      FOLDER: for the cache, which is removed again
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <numeric>
#include <vector>

#include "data/loader.h"

namespace gabor {
namespace {

struct Time {
  double wall = 0, cpu = 0;  // seconds
};

double cpu_seconds() {
  rusage u{};
  ::getrusage(RUSAGE_SELF, &u);
  return double(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
         1e-6 * double(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

template <class Work>
Time time_of(Work&& work) {
  const auto begin = std::chrono::steady_clock::now();
  const double cpu = cpu_seconds();
  work();
  return {std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(),
          cpu_seconds() - cpu};
}

double median(const std::vector<Time>& times, double Time::*which) {
  std::vector<double> v;
  for (const Time& t : times) v.push_back(t.*which);
  std::nth_element(v.begin(), v.begin() + std::ptrdiff_t(v.size() / 2), v.end());
  return v[v.size() / 2];
}

void epoch(Loader& loader) {
  loader.start(0);
  while (Batch* batch = loader.next()) loader.release(batch);
}

// The pictures' bytes, a batch at a time, as the loader's ring would take them.
void copy(const std::vector<uint8_t>& from, std::vector<uint8_t>& to) {
  for (size_t at = 0; at < from.size(); at += to.size())
    std::memcpy(to.data(), from.data() + at, std::min(to.size(), from.size() - at));
}

struct Row {
  const char* name;
  std::vector<Time> times{};
};

void print(const std::vector<Row>& rows, size_t pictures) {
  const double wall = median(rows[0].times, &Time::wall), cpu = median(rows[0].times, &Time::cpu);
  fmt::print("{:<10} {:>12} {:>7} {:>14} {:>7}\n", "epoch", "images/s", "ratio", "images/CPU s", "ratio");
  for (const Row& r : rows) {
    const double w = median(r.times, &Time::wall), c = median(r.times, &Time::cpu);
    fmt::print("{:<10} {:>12.0f} {:>7.2f} {:>14.0f} {:>7.2f}\n", r.name, double(pictures) / w, wall / w,
               double(pictures) / c, cpu / c);
  }
}

int run(char** argv) {
  const DataSplits data = open_data(argv[1], {.val_split = 0});
  const int height = std::atoi(argv[2]), width = std::atoi(argv[3]), rounds = std::atoi(argv[5]);
  const CacheOptions options{
      .path = std::string(argv[6]) + "/bench.pixels", .version = "bench", .height = height, .width = width};
  std::vector<uint32_t> all(data.dataset->size());
  std::iota(all.begin(), all.end(), 0u);
  const CacheContent content = cache_content(*data.dataset, data.dataset->stamp().value(), options);
  LoaderOptions loading{.batch = 64, .height = height, .width = width, .threads = std::atoi(argv[4])};
  loading.max_bad = 1;
  std::vector<uint8_t> pixels(content.record_bytes() * content.count, 1), batch(content.record_bytes() * 64);
  std::vector<Row> rows{{"decoded"}, {"written"}, {"read"}, {"copied"}};
  for (int round = 0; round < rounds; round++) {
    std::filesystem::remove(options.path);
    loading.cache = nullptr;
    Loader plain(data.dataset, all, loading);
    rows[0].times.push_back(time_of([&] { epoch(plain); }));
    loading.cache = std::make_shared<PictureCache>(options, content, all);
    Loader cached(data.dataset, all, loading);
    rows[1].times.push_back(time_of([&] { epoch(cached); }));
    rows[2].times.push_back(time_of([&] { epoch(cached); }));
    rows[3].times.push_back(time_of([&] { copy(pixels, batch); }));
  }
  std::filesystem::remove(options.path);
  fmt::print("{} pictures to {}x{}, {} threads, median of {} rounds\n", all.size(), height, width, argv[4],
             rounds);
  print(rows, all.size());
  return 0;
}

}  // namespace
}  // namespace gabor

int main(int argc, char** argv) try {
  if (argc == 7) return gabor::run(argv);
  fmt::print(stderr, "usage: cache-bench DATA HEIGHT WIDTH THREADS ROUNDS FOLDER\n");
  return 2;
} catch (const std::exception& e) {
  fmt::print(stderr, "cache-bench: {}\n", e.what());
  return 1;
}
