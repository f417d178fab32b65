#include "duel/measure.h"

#include <gtest/gtest.h>

#include <string>

#include "duel/fake_backend.h"

namespace gabor {
namespace {

// Contestants a, b, ... that take the given seconds; what runs is written down.
struct Fixture {
  explicit Fixture(const std::vector<double>& seconds, double flush_seconds = 0) {
    for (size_t i = 0; i < seconds.size(); i++) {
      const char name = char('a' + i);
      const auto run = [this, name, s = seconds[i]] { order += name, device.clock += s; };
      const auto flush = [this, flush_seconds] { order += '.', device.clock += flush_seconds; };
      contestants.push_back({watch.get(), run, flush, seconds[i]});
    }
  }
  testing::FakeDevice device;
  std::unique_ptr<Stopwatch> watch = device.stopwatch();
  std::string order;
  std::vector<Contestant> contestants;
};

TEST(Measure, WarmsUpThenFlushesBeforeEachAndRotatesTheOrder) {
  Fixture f({1, 1, 1});
  const auto samples = measure(f.contestants, {.seconds = 1000, .least = 1, .most = 4});
  EXPECT_EQ(f.order, "abc.a.b.c.b.c.a.c.a.b.a.b.c");
  for (const auto& s : samples) EXPECT_EQ(s, std::vector<double>(4, 1.0));
}

TEST(Measure, StopsWhenTheTimeIsSpentFlushesIncluded) {
  Fixture f({1, 2}, 0.5);
  const auto samples = measure(f.contestants, {.seconds = 10, .least = 1, .most = 100});
  EXPECT_EQ(samples[0].size(), 3u) << "4 seconds a repetition";
  EXPECT_EQ(samples[1], std::vector<double>(3, 2.0)) << "the flush is not in the sample";
}

TEST(Measure, MakesTheLeastRepetitionsWhateverTheyTake) {
  Fixture f({1, 1.5}, 10);
  const auto samples = measure(f.contestants, {.seconds = 10, .least = 6, .most = 100});
  EXPECT_EQ(samples[0].size(), 6u);
  EXPECT_EQ(samples[1].size(), 6u);
}

TEST(Measure, TakesOneSampleOfWhatIsTooSlowToRepeat) {
  Fixture f({0.1, 30});
  const auto samples = measure(f.contestants, {.seconds = 10, .least = 6, .most = 20});
  EXPECT_EQ(samples[1], std::vector<double>{30});
  EXPECT_EQ(samples[0].size(), 20u);
  EXPECT_EQ(f.order.find('b'), std::string::npos) << "it is not even warmed up";
}

}  // namespace
}  // namespace gabor
