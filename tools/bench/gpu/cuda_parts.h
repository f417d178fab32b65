// The parts of kernel_bench that are written in CUDA, behind plain C++ (the rest of gabor's headers is not for nvcc).
// They throw simt::Error.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "kernels/common/storage.h"

namespace gabor::bench {

using kernels::Storage;
using kernels::Stream;

// 10 major + minor of the architecture that the running code was compiled for: older than the card's where the driver
// translated PTX, and then without the newer instructions.
int code_architecture();
size_t l2_cache_bytes();
std::string cuda_versions();  // "driver 13.0, runtime 13.0"

// A pair of CUDA events.
class EventTimer {
 public:
  EventTimer();
  ~EventTimer();
  EventTimer(const EventTimer&) = delete;
  EventTimer& operator=(const EventTimer&) = delete;
  // Seconds of what f enqueues, after `flush` (more bytes than the L2 cache holds) was overwritten.
  double seconds(Stream stream, void* flush, size_t flush_bytes, const std::function<void()>& f);

 private:
  void *start_ = nullptr, *stop_ = nullptr;  // cudaEvent_t
};

void run_empty(Stream stream);  // a kernel that does nothing

// Uniform random numbers in [-1, 1): power, and so the clock, depends on the data.
void fill_random(int blocks, void* data, Storage storage, int64_t count, uint32_t seed, Stream stream);

}  // namespace gabor::bench
