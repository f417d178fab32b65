// The only way into an op: where to run, scratch memory, and what random draws are keyed by.
#pragma once
#include <cstddef>
#include <cstdint>

#include "device/device.h"

namespace gabor {

struct Context {
  Device& device;
  StreamRef stream;
  void* workspace = nullptr;  // aligned to Device::kAlignment; at least what workspace_bytes() asked for
  size_t workspace_bytes = 0;
  uint64_t seed = 0;  // of the run
  uint64_t step = 0;  // number of the training step: dropout's draws differ from step to step
};

}  // namespace gabor
