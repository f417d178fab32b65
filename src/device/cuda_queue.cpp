#include "device/cuda_queue.h"

#include <cuda_runtime_api.h>

#include "core/text.h"

namespace gabor {
namespace {

cudaStream_t of(StreamRef stream) { return static_cast<cudaStream_t>(stream.handle); }

// A cudaEvent_t.
class Event {
 public:
  Event(const CudaDevice& device, unsigned flags) : device_(device) {
    device.make_current();
    device.check(cudaEventCreateWithFlags(&event_, flags), "making an event");
  }
  ~Event() { cudaEventDestroy(event_); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  cudaEvent_t get() const { return event_; }
  void record(StreamRef stream) { device_.check(cudaEventRecord(event_, of(stream)), "recording an event"); }
  void wait() const { device_.check(cudaEventSynchronize(event_), "waiting for it"); }

 private:
  const CudaDevice& device_;
  cudaEvent_t event_ = nullptr;
};

class EventStopwatch final : public Stopwatch {
 public:
  explicit EventStopwatch(CudaDevice& device)
      : device_(device), begin_(device, cudaEventDefault), end_(device, cudaEventDefault) {}

  double seconds(const std::function<void()>& work) override {
    device_.make_current();
    begin_.record(device_.stream());
    work();
    end_.record(device_.stream());
    end_.wait();
    float milliseconds = 0;
    device_.check(cudaEventElapsedTime(&milliseconds, begin_.get(), end_.get()), "timing");
    return double(milliseconds) * 1e-3;
  }

 private:
  CudaDevice& device_;
  Event begin_, end_;
};

class EventMark final : public Mark {
 public:
  explicit EventMark(CudaDevice& device) : device_(device), event_(device, cudaEventDisableTiming) {}

  void set(Queue queue) override { event_.record(device_.stream_of(queue)); }
  void hold(Queue queue) override {
    device_.check(cudaStreamWaitEvent(of(device_.stream_of(queue)), event_.get(), 0), "ordering its queues");
  }
  void wait() override { event_.wait(); }  // of an event never recorded: returns at once

 private:
  CudaDevice& device_;
  Event event_;
};

class GraphReplay final : public Replay {
 public:
  explicit GraphReplay(CudaDevice& device) : device_(device) {}
  ~GraphReplay() override {
    if (ready_) cudaGraphExecDestroy(ready_);
  }
  GraphReplay(const GraphReplay&) = delete;
  GraphReplay& operator=(const GraphReplay&) = delete;

  void run(const std::function<void()>& work) override {
    device_.make_current();
    if (!ready_ && (!fault_.empty() || !capture(work))) return work();
    device_.check(cudaGraphLaunch(ready_, stream()), "launching a graph");
  }
  const std::string& fault() const override { return fault_; }

 private:
  cudaStream_t stream() const { return of(device_.stream()); }

  // false: this call fails, so that there will be no graph.
  bool good(cudaError_t status, const char* what) {
    if (status == cudaSuccess) return true;
    cudaGetLastError();
    fault_ = fmt::format("{}: {} ({})", what, cudaGetErrorString(status), cudaGetErrorName(status));
    return false;
  }

  bool capture(const std::function<void()>& work) {
    // ThreadLocal: what other threads (the loader's) ask of CUDA meanwhile is no part of it and does not disturb it.
    if (!good(cudaStreamBeginCapture(stream(), cudaStreamCaptureModeThreadLocal), "beginning a capture"))
      return false;
    cudaGraph_t graph = nullptr;
    try {
      work();
    } catch (const Error& e) {
      // It cannot be captured, or it cannot be done at all: the call without a graph will tell.
      if (cudaStreamEndCapture(stream(), &graph) == cudaSuccess) cudaGraphDestroy(graph);
      cudaGetLastError();
      fault_ = e.what();
      return false;
    }
    if (!good(cudaStreamEndCapture(stream(), &graph), "capturing the step")) return false;
    const bool made = good(cudaGraphInstantiate(&ready_, graph, 0), "making a graph of the step");
    cudaGraphDestroy(graph);
    return made;
  }

  CudaDevice& device_;
  cudaGraphExec_t ready_ = nullptr;
  std::string fault_;
};

}  // namespace

std::unique_ptr<Stopwatch> make_event_stopwatch(CudaDevice& device) {
  return std::make_unique<EventStopwatch>(device);
}
std::unique_ptr<Mark> make_event_mark(CudaDevice& device) { return std::make_unique<EventMark>(device); }
std::unique_ptr<Replay> make_graph_replay(CudaDevice& device) {
  return std::make_unique<GraphReplay>(device);
}

}  // namespace gabor
