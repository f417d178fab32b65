#include "device/fake_cuda_runtime.h"

#include <nvtx3/nvToolsExt.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace gabor::testing {
namespace {

struct World {
  FakeCuda fake;
  cudaError_t last = cudaSuccess;
  bool lost = false;
};

// A C interface has no other place for it.
World& world() {
  static World w;
  return w;
}

// Counts a call; the error that it shall return.
cudaError_t called(const char* name) {
  World& w = world();
  w.fake.calls.emplace_back(name);
  const bool fails = int(w.fake.calls.size()) == w.fake.fail_at;
  if (fails && w.fake.lasting) w.lost = true;
  if (!fails && !w.lost) return cudaSuccess;
  return w.last = w.fake.failure;
}

cudaError_t refused(cudaError_t error) { return world().last = error; }

template <class Handle, class Object>
Handle keep(std::map<Handle, std::unique_ptr<Object>>& all, Object object) {
  auto kept = std::make_unique<Object>(std::move(object));
  const auto handle = reinterpret_cast<Handle>(kept.get());
  all[handle] = std::move(kept);
  return handle;
}

void run_until(FakeStream& stream, size_t position) {
  while (stream.done < position) {
    const std::function<void()> work = std::move(stream.queued[stream.done++]);
    work();  // it may wait for another stream
  }
}
void run_all(FakeStream& stream) { run_until(stream, stream.queued.size()); }
void run_all() {
  for (const auto& [handle, stream] : fake_cuda().streams) run_all(*stream);
}

FakeStream& of(cudaStream_t stream) { return *fake_cuda().streams.at(stream); }

void queue(cudaStream_t stream, std::function<void()> work) {
  FakeStream& s = of(stream);
  (s.capturing ? s.captured : s.queued).push_back(std::move(work));
  if (fake_cuda().hasty && &s != fake_cuda().first_stream) run_all(s);
}

// Not allowed in a capture, which it spoils.
cudaError_t uncaptured(cudaStream_t stream) {
  FakeStream& s = of(stream);
  if (!s.capturing) return cudaSuccess;
  s.spoilt = true;
  return refused(cudaErrorStreamCaptureUnsupported);
}

bool holds(const std::map<void*, size_t>& blocks, const void* p) {
  return std::any_of(blocks.begin(), blocks.end(), [&](const auto& b) {
    return p >= b.first && p < static_cast<const char*>(b.first) + b.second;
  });
}

void* make_block(std::map<void*, size_t>& blocks, size_t bytes) {
  constexpr size_t kAlignment = 256;
  void* data = std::aligned_alloc(kAlignment, (bytes + kAlignment - 1) / kAlignment * kAlignment);
  std::memset(data, 0xff, bytes);
  blocks[data] = bytes;
  return data;
}

// What is given back is gone even where the call fails: nobody can do more.
cudaError_t free_block(std::map<void*, size_t>& blocks, void* data, const char* name) {
  const cudaError_t status = called(name);
  run_all();
  if (blocks.erase(data)) std::free(data);
  return status;
}

}  // namespace

bool FakeCuda::clean() const {
  return memory.empty() && pinned.empty() && streams.empty() && events.empty() && graphs.empty() &&
         ready_graphs.empty() && open_ranges == 0;
}

FakeCuda& fake_cuda() { return world().fake; }
void reset_fake_cuda() { world() = {}; }

void fake_cuda_launch(void* stream, std::function<void()> kernel) {
  fake_cuda().launches++;
  queue(static_cast<cudaStream_t>(stream), std::move(kernel));
}

}  // namespace gabor::testing

using namespace gabor::testing;

extern "C" {

cudaError_t cudaDriverGetVersion(int* version) {
  *version = fake_cuda().driver;
  return called("cudaDriverGetVersion");
}

cudaError_t cudaGetDeviceCount(int* count) {
  if (const cudaError_t e = called("cudaGetDeviceCount")) return e;
  if (fake_cuda().driver < CUDART_VERSION) return refused(cudaErrorInsufficientDriver);
  *count = fake_cuda().devices;
  return *count ? cudaSuccess : refused(cudaErrorNoDevice);
}

cudaError_t cudaSetDevice(int) { return called("cudaSetDevice"); }

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* p, int) {
  if (const cudaError_t e = called("cudaGetDeviceProperties")) return e;
  std::memset(p, 0, sizeof *p);
  std::strcpy(p->name, "Fake");
  p->major = 7, p->minor = 5, p->multiProcessorCount = 4;
  return cudaSuccess;
}

cudaError_t cudaGetLastError() {
  const cudaError_t e = world().last;
  world().last = world().lost ? fake_cuda().failure : cudaSuccess;
  return e;
}

const char* cudaGetErrorName(cudaError_t error) {
  return error == cudaErrorStreamCaptureUnsupported ? "cudaErrorStreamCaptureUnsupported" : "cudaErrorFake";
}
const char* cudaGetErrorString(cudaError_t error) {
  return error == cudaErrorStreamCaptureUnsupported ? "not in a capture" : "a fake error";
}

// --- memory ---------------------------------------------------------------------------------------------------

cudaError_t cudaMalloc(void** data, size_t bytes) {
  if (const cudaError_t e = called("cudaMalloc")) return e;
  size_t used = 0;
  for (const auto& [address, size] : fake_cuda().memory) used += size;
  if (bytes > fake_cuda().memory_bytes - used) return refused(cudaErrorMemoryAllocation);
  *data = make_block(fake_cuda().memory, bytes);
  return cudaSuccess;
}
cudaError_t cudaFree(void* data) { return free_block(fake_cuda().memory, data, "cudaFree"); }

cudaError_t cudaHostAlloc(void** data, size_t bytes, unsigned) {
  if (const cudaError_t e = called("cudaHostAlloc")) return e;
  *data = make_block(fake_cuda().pinned, bytes);
  return cudaSuccess;
}
cudaError_t cudaFreeHost(void* data) { return free_block(fake_cuda().pinned, data, "cudaFreeHost"); }

cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  if (const cudaError_t e = called("cudaMemGetInfo")) return e;
  *total = *free = fake_cuda().memory_bytes;
  for (const auto& [address, size] : fake_cuda().memory) *free -= size;
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  if (const cudaError_t e = called("cudaMemcpyAsync")) return e;
  const bool up = kind != cudaMemcpyDeviceToHost;
  if (holds(fake_cuda().pinned, up ? from : to)) {
    queue(stream, [=] { std::memcpy(to, from, bytes); });
    return cudaSuccess;
  }
  if (const cudaError_t e = uncaptured(stream)) return e;
  std::vector<char> taken;  // from memory that is not pinned, the bytes are taken before the call returns
  if (up) taken.assign(static_cast<const char*>(from), static_cast<const char*>(from) + bytes);
  queue(stream,
        [=, taken = std::move(taken)] { std::memcpy(to, taken.empty() ? from : taken.data(), bytes); });
  return cudaSuccess;
}

cudaError_t cudaMemsetAsync(void* data, int value, size_t bytes, cudaStream_t stream) {
  if (const cudaError_t e = called("cudaMemsetAsync")) return e;
  queue(stream, [=] { std::memset(data, value, bytes); });
  return cudaSuccess;
}

// --- streams and events ---------------------------------------------------------------------------------------

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  if (const cudaError_t e = called("cudaStreamCreateWithFlags")) return e;
  *stream = keep(fake_cuda().streams, FakeStream{});
  if (fake_cuda().streams.size() == 1) fake_cuda().first_stream = &of(*stream);
  return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  run_all();
  fake_cuda().streams.erase(stream);
  return called("cudaStreamDestroy");
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  if (const cudaError_t e = uncaptured(stream)) return e;
  run_all(of(stream));
  return called("cudaStreamSynchronize");
}
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  if (const cudaError_t e = called("cudaStreamWaitEvent")) return e;
  if (const cudaError_t e = uncaptured(stream)) return e;
  const FakeEvent& waited = *fake_cuda().events.at(event);
  if (waited.stream) queue(stream, [from = waited.stream, to = waited.position] { run_until(*from, to); });
  return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  if (const cudaError_t e = called("cudaEventCreateWithFlags")) return e;
  *event = keep(fake_cuda().events, FakeEvent{});
  return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  fake_cuda().events.erase(event);
  return called("cudaEventDestroy");
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  if (const cudaError_t e = called("cudaEventRecord")) return e;
  if (const cudaError_t e = uncaptured(stream)) return e;
  *fake_cuda().events.at(event) = {&of(stream), of(stream).queued.size()};
  return cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  const FakeEvent& waited = *fake_cuda().events.at(event);
  if (waited.stream) run_until(*waited.stream, waited.position);
  return called("cudaEventSynchronize");
}
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t, cudaEvent_t) {
  *milliseconds = 0.5f;
  return called("cudaEventElapsedTime");
}

// --- graphs ---------------------------------------------------------------------------------------------------

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  if (const cudaError_t e = called("cudaStreamBeginCapture")) return e;
  if (!fake_cuda().captures) return refused(cudaErrorStreamCaptureUnsupported);
  of(stream).capturing = true;
  return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  FakeStream& s = of(stream);
  const bool spoilt = std::exchange(s.spoilt, false);
  s.capturing = false;
  FakeWork captured = std::exchange(s.captured, {});
  *graph = nullptr;
  if (const cudaError_t e = called("cudaStreamEndCapture")) return e;
  if (spoilt) return refused(cudaErrorStreamCaptureInvalidated);
  *graph = keep(fake_cuda().graphs, std::move(captured));
  return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  fake_cuda().graphs.erase(graph);
  return called("cudaGraphDestroy");
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* ready, cudaGraph_t graph, unsigned long long) {
  if (const cudaError_t e = called("cudaGraphInstantiate")) return e;
  *ready = keep(fake_cuda().ready_graphs, FakeWork(*fake_cuda().graphs.at(graph)));
  return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t ready) {
  fake_cuda().ready_graphs.erase(ready);
  return called("cudaGraphExecDestroy");
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t ready, cudaStream_t stream) {
  if (const cudaError_t e = called("cudaGraphLaunch")) return e;
  for (const auto& work : *fake_cuda().ready_graphs.at(ready)) queue(stream, work);
  return cudaSuccess;
}

int nvtxRangePushA(const char* name) {
  fake_cuda().ranges.emplace_back(name);
  return fake_cuda().open_ranges++;
}
int nvtxRangePop() {
  fake_cuda().ranges.emplace_back();
  return --fake_cuda().open_ranges;
}

}  // extern "C"
