// A build with CUDA where there is no GPU: what the command says, and that it goes on without one unless told otherwise.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>

#include "backends/all.h"
#include "cli/run_command.h"
#include "cli/tiny_data.h"

namespace gabor::testing {
namespace {

// Where there is a driver, it is told to show no GPU.
std::string why_there_is_none() {
  void* const driver = ::dlopen("libcuda.so.1", RTLD_LAZY);
  if (driver == nullptr) return "no NVIDIA driver is installed";
  ::dlclose(driver);
  return "the NVIDIA driver sees no GPU";
}

class NoGpu : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::vector<std::string> names = backend_names();
    if (std::find(names.begin(), names.end(), "cuda") == names.end())
      GTEST_SKIP() << "this build has no cuda backend";
    ::setenv("CUDA_VISIBLE_DEVICES", "", 1);  // of the command, which inherits it
    write_class_folders(w.path("photos"), {"cat", "dog"}, 8);
  }
  void TearDown() override { ::unsetenv("CUDA_VISIBLE_DEVICES"); }
  CommandResult train(const std::string& backend) {
    return run_gabor(
        {"train", "photos", "--size", "8x8", "--epochs", "1", "--out", "run", "--backend", backend},
        {w.path()});
  }
  Workspace w;
};

TEST_F(NoGpu, CudaIsRefusedWithTheReason) {
  const CommandResult r = train("cuda");
  EXPECT_EQ(r.code, 7);
  EXPECT_EQ(r.err, "gabor: error: GPU 0: " + why_there_is_none() + "; use --backend cpu\n");
  EXPECT_EQ(read_text(w.path("run/metrics.csv")), "");
}

TEST_F(NoGpu, AutoTrainsOnTheCpuAndSaysWhy) {
  const CommandResult r = train("auto");
  EXPECT_EQ(r.code, 0) << r.err;
  EXPECT_NE((r.out + r.err).find("backend  cpu, then reference on "), std::string::npos) << r.out << r.err;
  EXPECT_NE((r.out + r.err).find("not cuda: GPU 0: " + why_there_is_none()), std::string::npos)
      << r.out << r.err;
}

}  // namespace
}  // namespace gabor::testing
