// main of the kernel tests that run on a GPU: the same test sources as on the CPU, compiled by nvcc.
//
// Runs every test kRuns times, with other random problems each time; GTEST_REPEAT=1 in the environment: once. Exit status:
// gtest's 0 or 1; 3 where nothing can be tested, after a line "skipped: REASON".
#include <cstdio>
#include <cstdlib>

#include "kernels/gpu_capability.h"
#include "kernels/problem_count.h"

namespace gabor::kernel_tests {
namespace {

class CountIterations final : public testing::EmptyTestEventListener {
  void OnTestIterationStart(const testing::UnitTest&, int iteration) override {
    gpu_iteration() = uint32_t(iteration);
  }
};

// GABOR_TEST_CAPABILITY: 10 major + minor of the oldest card that has the instructions of these kernels.
bool skipped() {
  const GpuCapability gpu = gpu_capability();
  if (!gpu.why_none.empty()) {
    std::printf("skipped: %s\n", gpu.why_none.c_str());
  } else if (gpu.code < GABOR_TEST_CAPABILITY) {
    std::printf("skipped: needs code for sm_%d; %s runs code for sm_%d here\n", GABOR_TEST_CAPABILITY,
                gpu.name.c_str(), gpu.code);
  } else {
    std::printf("on %s (sm_%d, code for sm_%d)\n", gpu.name.c_str(), gpu.device, gpu.code);
    return false;
  }
  return true;
}

}  // namespace
}  // namespace gabor::kernel_tests

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (GTEST_FLAG_GET(list_tests)) return RUN_ALL_TESTS();
  if (gabor::kernel_tests::skipped()) return 3;
  if (std::getenv("GTEST_REPEAT") == nullptr) GTEST_FLAG_SET(repeat, gabor::kernel_tests::kRuns);
  testing::UnitTest::GetInstance()->listeners().Append(new gabor::kernel_tests::CountIterations);
  return RUN_ALL_TESTS();
}
