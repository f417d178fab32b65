#include "core/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <vector>

namespace gabor {
namespace {

// Restores the team's size after a test that changes it.
class Parallel : public testing::TestWithParam<int> {
 protected:
  Parallel() : before_(max_threads()) { set_max_threads(GetParam()); }
  ~Parallel() override { set_max_threads(before_); }

 private:
  int before_;
};

TEST_P(Parallel, EveryIndexOnce) {
  for (int64_t count : {0, 1, 2, 3, 7, 64, 1000}) {
    std::vector<std::atomic<int>> visits(static_cast<size_t>(count));
    parallel_for(count, [&](int64_t i) { visits[size_t(i)]++; });
    for (auto& v : visits) ASSERT_EQ(v, 1) << count;
  }
}

TEST_P(Parallel, RangesAreContiguousAndThreadsNumbered) {
  std::vector<int> owner(1000, -1);
  std::atomic<int> calls{0};
  parallel_ranges(1000, [&](int64_t begin, int64_t end, int thread) {
    ASSERT_GE(thread, 0);
    ASSERT_LT(thread, max_threads());
    for (int64_t i = begin; i < end; i++) owner[size_t(i)] = thread;
    calls++;
  });
  EXPECT_EQ(calls, GetParam());
  for (size_t i = 1; i < owner.size(); i++)
    ASSERT_GE(owner[i], owner[i - 1]) << i;  // thread t has the t-th range
  EXPECT_EQ(owner.front(), 0);
  EXPECT_EQ(owner.back(), GetParam() - 1);
}

TEST_P(Parallel, SmallLoopsStayWithOneThread) {
  std::atomic<int> ranges{0};
  parallel_ranges(
      5, [&](int64_t, int64_t, int) { ranges++; }, 1);
  EXPECT_EQ(ranges, 1);
  std::vector<int64_t> order;  // written without a lock: only right when there is one thread
  parallel_for(
      100, [&](int64_t i) { order.push_back(i); }, 100);
  EXPECT_EQ(order.size(), 100u);
  for (size_t i = 0; i < order.size(); i++) EXPECT_EQ(order[i], int64_t(i));
}

TEST_P(Parallel, ExceptionsComeBack) {
  std::atomic<int> ended{0};
  const auto run = [&] {
    parallel_ranges(GetParam() * 10, [&](int64_t, int64_t, int thread) {
      ended++;
      throw std::runtime_error("thread " + std::to_string(thread));
    });
  };
  try {
    run();
    FAIL() << "nothing was thrown";
  } catch (const std::runtime_error& e) {
    EXPECT_STREQ(e.what(), "thread 0");  // the first by number, whichever came first in time
  }
  EXPECT_EQ(ended, GetParam());  // the others were not cut short
  // The team is usable afterwards.
  std::atomic<int> sum{0};
  parallel_for(100, [&](int64_t i) { sum += int(i); });
  EXPECT_EQ(sum, 4950);
}

TEST_P(Parallel, LoopsMayNest) {
  std::atomic<int> sum{0};
  parallel_for(8, [&](int64_t) { parallel_for(10, [&](int64_t i) { sum += int(i); }); });
  EXPECT_EQ(sum, 8 * 45);
}

INSTANTIATE_TEST_SUITE_P(Threads, Parallel, testing::Values(1, 2, 3, 8));

TEST(ParallelSetting, LessThanOneThreadIsOne) {
  const int before = max_threads();
  set_max_threads(-3);
  EXPECT_EQ(max_threads(), 1);
  set_max_threads(before);
}

}  // namespace
}  // namespace gabor
