// The only way into an op: where to run, scratch memory, and what random draws are keyed by.
#pragma once
#include <cstddef>
#include <cstdint>

#include "core/problem/step_values.h"
#include "device/device.h"

namespace gabor {

struct Context {
  Device& device;
  StreamRef stream;
  void* workspace = nullptr;  // aligned to Device::kAlignment; at least what workspace_bytes() asked for
  size_t workspace_bytes = 0;
  uint64_t seed = 0;  // of the run
  // In the device's memory; for the ops that say so. Where a step is captured, others are there when it is launched.
  const StepValues* step = nullptr;
};

}  // namespace gabor
