#pragma once
#include "device/device.h"
#include "kernels/common/slices.h"

namespace gabor::cuda {

// Words of device memory that are 0 whenever no kernel runs: in them the blocks of a launch count themselves. All work of
// a device is queued on its one stream, so all ops of a backend have the same.
class Counters {
 public:
  explicit Counters(Device& device) : memory_(device, kernels::kJoinCounters * sizeof(unsigned)) {
    device.zero(memory_.data(), memory_.bytes());
  }
  size_t bytes() const { return memory_.bytes(); }
  unsigned* data() const { return static_cast<unsigned*>(memory_.data()); }

 private:
  Buffer memory_;
};

}  // namespace gabor::cuda
