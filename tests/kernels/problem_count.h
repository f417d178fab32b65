// How many random problems a kernel, its rung and pass go through: each test says so in a line, and is held to enough.
#pragma once
#include <gtest/gtest.h>

#include <cstdio>
#include <string>

#include "kernels/simt/gpu.h"

namespace gabor::kernel_tests {

// A kernel test runs six times: on the CPU in two flavours and three thread orders, on a GPU in six iterations of one
// process (gpu_main.cu). A test that starts its random numbers from seed_of_this_run draws other problems in each.
inline constexpr int kRuns = 6;

#if defined(__CUDACC__)
inline uint32_t& gpu_iteration() {
  static uint32_t iteration = 0;
  return iteration;
}
inline uint32_t seed_of_this_run() { return gpu_iteration(); }
#else
inline uint32_t seed_of_this_run() {
  return 10 * uint32_t(simt::host::settings().order) + uint32_t(simt::host::detector());
}
#endif

// what: kernel, rung and pass. drawn: by this test in this run, with seed_of_this_run.
inline void report_problems(const std::string& what, int drawn) {
  constexpr int kLeast = 500;
  std::printf("[ problems ] %s: %d random problems in this run, %d in all runs\n", what.c_str(), drawn,
              drawn * kRuns);
  EXPECT_GE(drawn * kRuns, kLeast) << what;
}

}  // namespace gabor::kernel_tests
