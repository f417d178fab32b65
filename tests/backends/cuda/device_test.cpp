// The GPU as a device: what it says when it cannot do what it is asked for.
#include "backends/cuda/gpu.h"
#include "device/cuda_device.h"

namespace gabor {
namespace {

class CudaDevices : public testing::GpuTest {};

template <class F>
void expect_error(ErrorCode code, const std::string& part, F&& f) {
  try {
    f();
    ADD_FAILURE() << "no error";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), code);
    EXPECT_NE(std::string(e.what()).find(part), std::string::npos) << e.what();
  }
}

TEST_F(CudaDevices, NumberThatIsNone) {
  for (const int number : {-1, 99})
    expect_error(ErrorCode::device, "there is no such GPU; this machine has ",
                 [&] { CudaDevice device(number); });
}

TEST_F(CudaDevices, MoreMemoryThanThereIs) {
  CudaDevice device(0);
  expect_error(ErrorCode::memory, "cannot allocate 8.00 TiB (", [&] { device.allocate(size_t{1} << 43); });
  const Buffer small(device, 1000);  // the error does not last
  device.zero(small.data(), small.bytes());
}

TEST_F(CudaDevices, CopiesThereAndBack) {
  CudaDevice device(0);
  const std::vector<float> sent{1, -2, 3.5f};
  const Buffer memory(device, sent.size() * sizeof(float));
  device.copy_to(memory.data(), sent.data(), memory.bytes());
  std::vector<float> got(3);
  device.copy_from(got.data(), memory.data(), memory.bytes());
  EXPECT_EQ(got, sent);
  device.zero(memory.data(), sizeof(float));
  device.copy_from(got.data(), memory.data(), memory.bytes());
  EXPECT_EQ(got, (std::vector<float>{0, -2, 3.5f}));
}

// This machine may have no GPU, and then says why; GpuTest shows that as the reason for skipping. Not through it: a
// machine without a GPU is this test's subject.
TEST(CudaBackend, SaysWhyThereIsNoGpu) {
  try {
    make_cuda_backend();
    GTEST_SKIP() << "this machine has a GPU";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::device);
    const std::string what = e.what();
    EXPECT_EQ(what.find("GPU 0: "), 0u) << what;
    EXPECT_NE(what.find("--backend cpu"), std::string::npos) << what;
  }
}

}  // namespace
}  // namespace gabor
