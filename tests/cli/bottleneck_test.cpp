#include "cli/bottleneck.h"

#include <gtest/gtest.h>

#include <vector>

namespace gabor {
namespace {

std::vector<EpochRecord> epochs(std::initializer_list<double> waits) {
  std::vector<EpochRecord> all;
  for (const double wait : waits) all.emplace_back().data_wait_pct = wait;
  return all;
}

TEST(Bottleneck, IsTheKernelsWhereHardlyAnythingWaits) {
  EXPECT_EQ(bottleneck_text(epochs({3}), false),
            "the kernels: 97 % of the time was computing, 3 % waiting for pictures");
  // The first epoch filled the cache.
  EXPECT_EQ(bottleneck_text(epochs({80, 0, 2}), false),
            "the kernels: 99 % of the time was computing, 1 % waiting for pictures");
}

TEST(Bottleneck, IsTheLoaderWithWhatWouldHelpAtMost) {
  EXPECT_EQ(
      bottleneck_text(epochs({75, 50, 50}), true),
      "the loader: 50 % of the time was waiting for pictures; a cache (gabor cache), more --threads or a "
      "smaller --size would make it up to 2.0 times as fast");
  EXPECT_EQ(
      bottleneck_text(epochs({60}), false),
      "the loader: 60 % of the time was waiting for pictures; more --threads or a smaller --size would make "
      "it up to 2.5 times as fast");
}

TEST(Bottleneck, SaysWhatAPictureTakesWhereSomeWereDecoded) {
  auto all = epochs({50, 50});
  all[1].picture = {3.14159, 0.25};
  EXPECT_EQ(bottleneck_text(all, false),
            "the loader: 50 % of the time was waiting for pictures (decoding 3.1 ms, resizing 0.25 ms a "
            "picture); more --threads or a smaller --size would make it up to 2.0 times as fast");
}

TEST(Bottleneck, OfNothingIsNothing) { EXPECT_EQ(bottleneck_text({}, false), ""); }

}  // namespace
}  // namespace gabor
