#include "backends/cuda/runtime.h"
#include "device/emulated_device.h"

namespace gabor::cuda {

const char* const kBackendName = "cuda_emulated";
const bool kEmulated = true;

std::unique_ptr<Device> make_device(int) { return std::make_unique<EmulatedDevice>(); }

// Few multiprocessors, so that few slices are made of a sum that one core adds up.
Gpu gpu_of(const Device&) { return {.capability = 86, .multiprocessors = 4}; }

KernelScope::KernelScope(Device& device) : device_(device) { static_cast<EmulatedDevice&>(device_).open(); }
KernelScope::~KernelScope() { static_cast<EmulatedDevice&>(device_).seal(); }

}  // namespace gabor::cuda
