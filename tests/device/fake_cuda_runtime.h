// A CUDA runtime without a GPU, for tests: src/device/cuda_device.cpp is linked with it instead of NVIDIA's. Device memory
// is the host's. It puts off what is queued until somebody waits for it, and then does no more than what that needs: a host
// that reads too early, a buffer that is written too early, a stream that should have waited for another all show as wrong
// numbers. Every call is counted, and any of them can be made to fail.
#pragma once
#include <cuda_runtime_api.h>

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace gabor::testing {

using FakeWork = std::vector<std::function<void()>>;

struct FakeStream {
  FakeWork queued;  // all that ever was; what is done is emptied
  size_t done = 0;  // how many of these
  bool capturing = false, spoilt = false;
  FakeWork captured;
};

struct FakeEvent {
  FakeStream* stream = nullptr;  // null: never recorded
  size_t position = 0;           // reached when so many of its stream are done
};

struct FakeCuda {
  // What a test sets.
  int devices = 1;
  int driver = CUDART_VERSION;  // 0: none is installed
  size_t memory_bytes = size_t{8} << 30;
  int fail_at = 0;  // number of the call that fails, from 1; 0: none
  cudaError_t failure = cudaErrorIllegalAddress;
  bool lasting = true;   // every call after it fails too, as after a fault in a kernel
  bool captures = true;  // false: no capture can be begun
  bool hasty = false;    // all streams but the first do what they are given at once, unless they have to wait

  // What it saw.
  std::vector<std::string> calls;   // names, in order
  int launches = 0;                 // of kernels, those of graphs not counted again
  std::vector<std::string> ranges;  // of NVTX: the name of each that begins, "" for each end

  // What is in use.
  std::map<void*, size_t> memory, pinned;
  std::map<cudaStream_t, std::unique_ptr<FakeStream>> streams;
  FakeStream* first_stream = nullptr;
  std::map<cudaEvent_t, std::unique_ptr<FakeEvent>> events;
  std::map<cudaGraph_t, std::unique_ptr<FakeWork>> graphs;
  std::map<cudaGraphExec_t, std::unique_ptr<FakeWork>> ready_graphs;
  int open_ranges = 0;

  bool clean() const;  // nothing is in use
};

FakeCuda& fake_cuda();
void reset_fake_cuda();  // to the state above; nothing may be in use
// A kernel on a cudaStream_t.
void fake_cuda_launch(void* stream, std::function<void()> kernel);

}  // namespace gabor::testing
