#include "backends/cuda/runtime.h"
#include "core/error.h"
#include "device/cuda_device.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/simt/error.h"

namespace gabor::cuda {
namespace {

const CudaDevice& of(const Device& device) { return static_cast<const CudaDevice&>(device); }

// One kernel, there and back: a GPU that this build has no code for, or that is broken, is found here.
void try_out(CudaDevice& device) {
  const float sent[3] = {1, -2, 3};
  float got[3] = {};
  Buffer x(device, sizeof sent), y(device, sizeof got);
  device.copy_to(x.data(), sent, sizeof sent);
  try {
    kernels::add(3, kernels::Storage::f32, x.data(), x.data(), y.data(), device.stream().handle);
  } catch (const simt::Error& e) {
    fail(ErrorCode::device, device.name(), "a first kernel does not start: {}; was gabor built for sm_{}?",
         e.what(), device.capability());
  }
  device.copy_from(got, y.data(), sizeof got);
  for (int i = 0; i < 3; i++)
    if (got[i] != 2 * sent[i]) fail(ErrorCode::device, device.name(), "a first kernel gave wrong results");
}

}  // namespace

const char* const kBackendName = "cuda";
const bool kEmulated = false;

std::unique_ptr<Device> make_device(int number) {
  auto device = std::make_unique<CudaDevice>(number);
  try_out(*device);
  return device;
}

Gpu gpu_of(const Device& device) {
  return {.capability = of(device).capability(), .multiprocessors = of(device).multiprocessors()};
}

KernelScope::KernelScope(Device& device) : device_(device) { of(device_).make_current(); }
KernelScope::~KernelScope() = default;

}  // namespace gabor::cuda
