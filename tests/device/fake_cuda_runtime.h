// A CUDA runtime without a GPU, for tests: src/device/cuda_device.cpp is linked with it instead of NVIDIA's. Device memory
// is the host's. It does no work before it must: what is queued on a stream is done when the stream is waited for, an
// event on it is, or fake_cuda_flush is called (as a kernel starts), so that a host that reads too early reads what was
// there before. Every call is counted, and any of them can be made to fail.
#pragma once
#include <cuda_runtime_api.h>

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace gabor::testing {

struct FakeCuda {
  // What a test sets.
  int devices = 1;
  int driver = CUDART_VERSION;  // 0: none is installed
  size_t memory_bytes = size_t{8} << 30;
  int fail_at = 0;  // number of the call that fails, from 1; 0: none
  cudaError_t failure = cudaErrorIllegalAddress;
  bool lasting = true;  // every call after it fails too, as after a fault in a kernel

  // What it saw.
  std::vector<std::string> calls;  // names, in order
  std::map<void*, size_t> memory;  // that was allocated and not freed
  std::set<cudaStream_t> streams;
  std::set<cudaEvent_t> events;
  int launches = 0;  // counted by who calls fake_cuda_flush

  size_t count(const std::string& name) const;
  bool clean() const { return memory.empty() && streams.empty() && events.empty(); }
};

FakeCuda& fake_cuda();
void reset_fake_cuda();  // to the state above; nothing may be in use
void fake_cuda_flush();  // does what is queued

}  // namespace gabor::testing
