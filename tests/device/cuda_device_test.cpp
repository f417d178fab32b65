// CudaDevice over a fake runtime: what it says when a call fails, and that it leaves nothing behind.
#include "device/cuda_device.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "core/text.h"
#include "device/fake_cuda_runtime.h"

namespace gabor {
namespace {

using testing::fake_cuda;

class CudaDeviceCalls : public ::testing::Test {
 protected:
  void SetUp() override { testing::reset_fake_cuda(); }
  void TearDown() override { EXPECT_TRUE(fake_cuda().clean()) << "memory, streams or events are left"; }
};

// Everything that a device can do. Returns what came back.
std::vector<float> use_it() {
  CudaDevice device(0);
  const std::vector<float> sent{1, -2, 3};
  std::vector<float> got(3);
  const Buffer a(device, sizeof(float) * 3), b(device, 100);
  device.copy_to(a.data(), sent.data(), a.bytes());
  device.zero(a.data(), sizeof(float));
  device.copy_from(got.data(), a.data(), a.bytes());
  EXPECT_DOUBLE_EQ(device.stopwatch()->seconds([&] { device.zero(b.data(), b.bytes()); }), 0.5e-3);
  return got;
}

struct Failure {
  bool thrown = false;
  ErrorCode code = ErrorCode::internal;
  std::string what;
};
Failure failure_of(const std::function<void()>& f) {
  try {
    f();
    return {};
  } catch (const Error& e) {
    return {true, e.code(), e.what()};
  }
}

TEST_F(CudaDeviceCalls, CopiesClearAndTime) {
  EXPECT_EQ(use_it(), (std::vector<float>{0, -2, 3}));
  EXPECT_EQ(CudaDevice(0).name(), fmt::format("Fake (sm_75, driver of CUDA {}.{})", CUDART_VERSION / 1000,
                                              CUDART_VERSION % 1000 / 10));
}

// As after a fault in a kernel, which shows at whatever call comes next and at all after it; and as a fault that passes.
TEST_F(CudaDeviceCalls, EachOfThemFails) {
  use_it();
  const std::vector<std::string> calls = fake_cuda().calls;
  const std::set<std::string> cannot_say{"cudaFree", "cudaStreamDestroy", "cudaEventDestroy"};  // destructors
  for (const bool lasting : {true, false})
    for (size_t i = 0; i < calls.size(); i++) {
      testing::reset_fake_cuda();
      fake_cuda().fail_at = int(i) + 1;
      fake_cuda().lasting = lasting;
      const Failure f = failure_of([] { use_it(); });
      EXPECT_TRUE(fake_cuda().clean()) << calls[i];
      EXPECT_EQ(f.thrown, !cannot_say.contains(calls[i])) << calls[i];
      if (!f.thrown) continue;
      EXPECT_EQ(f.code, ErrorCode::device) << f.what;
      EXPECT_NE(f.what.find("a fake error (cudaErrorFake)"), std::string::npos) << f.what;
      EXPECT_TRUE(f.what.starts_with("GPU 0: ") || f.what.starts_with("Fake (sm_75, ")) << f.what;
      if (!lasting) {
        EXPECT_EQ(cudaGetLastError(), cudaSuccess) << "the next launch is blamed for " << calls[i];
      }
    }
}

TEST_F(CudaDeviceCalls, MoreMemoryThanThereIs) {
  fake_cuda().memory_bytes = 1 << 20;
  CudaDevice device(0);
  const Buffer half(device, 1 << 19);
  const Failure f = failure_of([&] { Buffer(device, (1 << 19) + 1); });
  EXPECT_EQ(f.code, ErrorCode::memory);
  EXPECT_NE(f.what.find("cannot allocate 512.0 KiB (512.0 KiB of 1.00 MiB are free)"), std::string::npos)
      << f.what;
  device.zero(half.data(), half.bytes());  // the error does not last
}

TEST_F(CudaDeviceCalls, NoDriverOldDriverNoGpuNoSuchGpu) {
  const auto says = [](const std::string& part) {
    const Failure f = failure_of([] { CudaDevice device(0); });
    EXPECT_EQ(f.code, ErrorCode::device);
    EXPECT_NE(f.what.find(part), std::string::npos) << f.what;
  };
  fake_cuda().driver = 0;
  says("GPU 0: no NVIDIA driver is installed; use --backend cpu");
  fake_cuda().driver = 11040;
  says(fmt::format("supports CUDA 11.4 and this build needs {}.{}; update the driver", CUDART_VERSION / 1000,
                   CUDART_VERSION % 1000 / 10));
  testing::reset_fake_cuda();
  fake_cuda().devices = 0;
  says("the NVIDIA driver sees no GPU; use --backend cpu");
  fake_cuda().devices = 2;
  EXPECT_NE(failure_of([] { CudaDevice device(2); }).what.find("this machine has 2 (numbered from 0)"),
            std::string::npos);
}

// The host must not go on before what it asked for is there.
TEST_F(CudaDeviceCalls, WaitsForWhatItCopies) {
  CudaDevice device(0);
  const Buffer memory(device, sizeof(int));
  const int sent = 7;
  int got = 0;
  device.copy_to(memory.data(), &sent, sizeof sent);
  EXPECT_EQ(*static_cast<int*>(memory.data()), 7);  // the fake's device memory is the host's
  device.copy_from(&got, memory.data(), sizeof got);
  EXPECT_EQ(got, 7);
  device.zero(memory.data(), sizeof sent);
  EXPECT_EQ(*static_cast<int*>(memory.data()), 0);
}

}  // namespace
}  // namespace gabor
