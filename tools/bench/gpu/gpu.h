// The GPU that kernel_bench measures: its memory, its clock (CUDA events), and what it can do at best.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "device/cuda_device.h"
#include "gpu/cuda_parts.h"
#include "kernels/common/slices.h"

namespace gabor::bench {

// The best that simple kernels reach on this card, measured here; FLOP/s by mma.sync are 0 before sm_80.
struct Roof {
  double copy_bytes = 0;               // per second, read and written counted both
  double ffma = 0, tf32 = 0, f16 = 0;  // FLOP/s
  double launch_seconds = 0;           // between two events around an empty kernel
};

class Gpu {
 public:
  Gpu();  // device 0; throws Error{device}

  CudaDevice& device() { return device_; }
  void* stream() const { return device_.stream().handle; }
  // Of the card and of code_architecture, the older.
  int code_capability() const { return code_capability_; }
  size_t l2_bytes() const { return l2_bytes_; }

  // Seconds of what f enqueues on stream(), after the L2 cache was filled with other data.
  double seconds(const std::function<void()>& f);
  Roof measure_roof();

  // As fill_random.
  void fill(void* data, Storage storage, int64_t count, uint32_t seed);

 private:
  CudaDevice device_{0};
  int code_capability_;
  size_t l2_bytes_;
  Buffer flush_;
  EventTimer timer_;
};

// Device memory that a workload's launches share; released with the last of them.
class Memory {
 public:
  explicit Memory(Gpu& gpu) : gpu_(&gpu) {}
  // `count` random elements. Throws Error{memory}.
  void* random(int64_t count, Storage storage = Storage::f32) const;
  float* floats(int64_t count) const { return static_cast<float*>(random(count)); }
  // `bytes` bytes of 0; null for none.
  void* zeros(size_t bytes) const;
  // Of a launcher that wants `bytes` for the sums of slices.
  kernels::JoinMemory join(size_t bytes) const {
    return {static_cast<float*>(zeros(bytes)),
            static_cast<unsigned*>(zeros(kernels::kJoinCounters * sizeof(unsigned)))};
  }

 private:
  Gpu* gpu_;
  std::shared_ptr<std::vector<Buffer>> buffers_ = std::make_shared<std::vector<Buffer>>();
};

}  // namespace gabor::bench
