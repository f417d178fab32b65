// What host execution itself promises: launches refused, errors that name the place, launches after a failed one,
// thread orders, exact alignment, buffers of the emulated GPU.
#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "kernels/simt/device_array.h"

namespace gabor::simt {
namespace {

using host::Order;

template <class... Params, class... Args>
std::string error_of(const LaunchConfig& config, void (*kernel)(Params...), Args... args) {
  try {
    launch(config, kernel, args...);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

::testing::AssertionResult contains(const std::string& text, const std::string& part) {
  if (text.find(part) != std::string::npos) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "\"" << text << "\" does not contain \"" << part << "\"";
}

__global__ void count_kernel(int* count) { atomicAdd(count, 1); }

int threads_run(dim3 grid, dim3 block) {
  DeviceArray<int> count(std::vector<int>{0}, "count");
  launch({grid, block}, count_kernel, count.data());
  return count.values()[0];
}

TEST(SimtLaunch, RunsEveryThread) {
  EXPECT_EQ(threads_run(dim3(1), dim3(1)), 1);
  EXPECT_EQ(threads_run(dim3(3, 2, 4), dim3(8, 4, 32)), 24 * 1024);
}

TEST(SimtLaunch, RefusesWhatAGpuRefuses) {
  DeviceArray<int> count(std::vector<int>{0}, "count");
  const auto refusal = [&](LaunchConfig config) { return error_of(config, count_kernel, count.data()); };
  EXPECT_TRUE(contains(refusal({dim3(1), dim3(1025)}), "a block of 1025 threads"));
  EXPECT_TRUE(contains(refusal({dim3(1), dim3(0)}), "a block of 0 threads"));
  EXPECT_TRUE(contains(refusal({dim3(1), dim3(1, 1, 65)}), "64 in z"));
  EXPECT_TRUE(contains(refusal({dim3(0), dim3(32)}), "an empty grid"));
  EXPECT_TRUE(contains(refusal({dim3(1, 65536), dim3(32)}), "65535 blocks in y or z"));
  EXPECT_TRUE(contains(refusal({dim3(1), dim3(32), 300 * 1024}), "bytes of dynamic shared memory"));
  EXPECT_EQ(count.values()[0], 0);
}

__global__ void trap_kernel(int block) {
  if (int(blockIdx.x) == block && threadIdx.x == 3) __trap();
}

TEST(SimtLaunch, ErrorNamesLaunchBlockThreadAndLine) {
  const std::string error = error_of({dim3(4), dim3(8)}, trap_kernel, 2);
  const std::string file = "runtime_test.cpp:";
  EXPECT_TRUE(contains(error, "kernel launched at " + file));
  EXPECT_TRUE(contains(error, ", block (2,0,0), thread (3,0,0), at " + file));
  EXPECT_TRUE(contains(error, "__trap()"));
}

TEST(SimtLaunch, IsSoundAfterAFailedOne) {
  for (int i = 0; i < 3; ++i) {
    EXPECT_NE(error_of({dim3(4), dim3(512)}, trap_kernel, 0), "no error");
    EXPECT_EQ(threads_run(dim3(2), dim3(512)), 1024);
  }
}

__global__ void nested_kernel(int* count) { launch({dim3(1), dim3(1)}, count_kernel, count); }

TEST(SimtLaunch, RefusesToStartInsideAKernel) {
  DeviceArray<int> count(std::vector<int>{0}, "count");
  EXPECT_TRUE(
      contains(error_of({dim3(1), dim3(1)}, nested_kernel, count.data()), "launch from inside a kernel"));
}

TEST(SimtLaunch, ExcludesOtherThreads) {
  DeviceArray<int> count(std::vector<int>{0}, "count");
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] { launch({dim3(4), dim3(128)}, count_kernel, count.data()); });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(count.values()[0], 4 * 4 * 128);
}

__global__ void order_kernel(int* place, int* next) {
  place[blockIdx.x * blockDim.x + threadIdx.x] = atomicAdd(next, 1);
}

std::vector<int> run_in(Order order, uint64_t seed) {
  const host::Settings before = host::settings();
  host::settings().order = order;
  host::settings().seed = seed;
  DeviceArray<int> place(2 * 64, "place"), next(std::vector<int>{0}, "next");
  launch({dim3(2), dim3(64)}, order_kernel, place.data(), next.data());
  host::settings() = before;
  return place.values();
}

TEST(SimtOrder, ForwardReverseAndRandom) {
  std::vector<int> forward, reverse;
  for (int i = 0; i < 128; ++i) {
    forward.push_back(i);
    reverse.push_back(127 - i);
  }
  EXPECT_EQ(run_in(Order::forward, 1), forward);
  EXPECT_EQ(run_in(Order::reverse, 1), reverse);
  const auto random = run_in(Order::random, 1);
  EXPECT_NE(random, forward);
  EXPECT_EQ(random, run_in(Order::random, 1)) << "one seed, one order";
  EXPECT_NE(random, run_in(Order::random, 2));
  EXPECT_EQ(std::set<int>(random.begin(), random.end()), std::set<int>(forward.begin(), forward.end()));
}

__global__ void alignment_kernel(int* misalignment) {
  SHARED(float, a, [3]);
  SHARED_ALIGNED(8, float, b, [3]);
  SHARED_ALIGNED(16, float, c, [3]);
  SHARED(char, d, [3]);
  const void* arrays[] = {a, b, c, d};
  for (int i = 0; i < 4; ++i) misalignment[i] = int(reinterpret_cast<uintptr_t>(arrays[i]) % 16);
}

TEST(SimtShared, IsNoBetterAlignedThanAskedFor) {
  DeviceArray<int> misalignment(4, "misalignment");
  launch({dim3(1), dim3(1)}, alignment_kernel, misalignment.data());
  const auto got = misalignment.values();
  EXPECT_EQ(got[0] % 8, 4);
  EXPECT_EQ(got[1], 8);
  EXPECT_EQ(got[2], 0);
  EXPECT_EQ(got[3] % 2, 1);
}

__global__ void large_shared_kernel() {
  SHARED(float, s, [13000]);
  s[0] = 0.0f;
}

TEST(SimtShared, RefusesMoreThanABlockHas) {
  EXPECT_TRUE(contains(error_of({dim3(1), dim3(32)}, large_shared_kernel),
                       "shared array s brings the block to 52000 bytes of shared memory"));
}

TEST(SimtDeviceArray, StartsAsNaNAndKeepsValues) {
  const std::vector<float> values = {1.0f, 2.0f, 3.0f};
  EXPECT_EQ(DeviceArray<float>(values).values(), values);
  DeviceArray<float> fresh(4, "fresh");
  if (host::detector() == host::Detector::check) {
    EXPECT_THROW(fresh.values(), Error);
  } else {
    for (float v : fresh.values()) EXPECT_NE(v, v);
  }
}

// More than the emulated GPU's memory in all, never at once.
TEST(SimtDeviceArray, MemoryIsUsedAgain) {
  DeviceArray<int> kept(std::vector<int>{5}, "kept");
  for (int i = 0; i < 20; ++i) {
    DeviceArray<char> large(size_t{8} << 20, "large");
    EXPECT_EQ(reinterpret_cast<uintptr_t>(large.data()) % 256, 0u);
  }
  EXPECT_EQ(kept.values()[0], 5);
}

}  // namespace
}  // namespace gabor::simt
