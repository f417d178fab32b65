// device: where bytes live and work is queued. ops and above know only these handles.
//   Device  owns nothing but its identity; allocates and frees.
//   Buffer  owns bytes on one device (move-only).
//   HostBuffer  owns bytes of the host that the device's queued copies may use (move-only).
//   queue.h     what goes on while the host does something else.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "core/tensor.h"
#include "device/queue.h"

namespace gabor {

enum class DeviceKind : uint8_t { host, cuda };

// An opaque queue of work on a device; null = the host, where every call is complete when it returns.
struct StreamRef {
  void* handle = nullptr;
};

// Measures work on one device.
class Stopwatch {
 public:
  virtual ~Stopwatch() = default;
  // Calls work, which queues on the device's stream, and returns the seconds that it took there.
  virtual double seconds(const std::function<void()>& work) = 0;
};

class Device {
 public:
  virtual ~Device() = default;
  virtual DeviceKind kind() const = 0;
  virtual std::string name() const = 0;
  // Aligned to kAlignment, contents undefined. Throws Error{memory} with the number of bytes asked for.
  virtual void* allocate(size_t bytes) = 0;
  virtual void release(void* data, size_t bytes) noexcept = 0;
  virtual void copy_to(void* device, const void* host, size_t bytes) = 0;
  virtual void copy_from(void* host, const void* device, size_t bytes) = 0;
  virtual void zero(void* device, size_t bytes) = 0;
  // What allocate() may still give; SIZE_MAX where the device does not tell.
  virtual size_t free_bytes() const { return SIZE_MAX; }
  // A queue as ops take it.
  virtual StreamRef stream_of(Queue) const { return {}; }
  // The one that ops are given in a step. The copies above and zero() come after all that is queued there, and are
  // complete when they return.
  StreamRef stream() const { return stream_of(Queue::work); }
  // The one here reads the host's clock and waits for the stream by a small copy. A device with timers of its own
  // overrides it. The stopwatch may not outlive the device.
  virtual std::unique_ptr<Stopwatch> stopwatch();

  // Whether queued work goes on after the call that queued it has returned.
  virtual bool asynchronous() const { return false; }
  // Memory of the host for the copies below; pinned on a GPU, which then needs no copy of it. Throws Error{memory}.
  virtual void* allocate_host(size_t bytes);
  virtual void release_host(void* data, size_t bytes) noexcept;
  // As copy_to and copy_from, but only queued. host: in memory of allocate_host, left alone until a Mark that is set
  // afterwards has been reached.
  virtual void queue_copy_to(void* device, const void* host, size_t bytes, Queue queue);
  virtual void queue_copy_from(void* host, const void* device, size_t bytes, Queue queue);
  virtual std::unique_ptr<Mark> mark();
  virtual std::unique_ptr<Replay> replay();

  // A named range of the calling thread on the timeline of a profiler that is attached: between the two, which nest
  // (DeviceRange). Where there is none, nothing.
  virtual void begin_range(const char* /*name*/) {}
  virtual void end_range() noexcept {}

  static constexpr size_t kAlignment = 64;
};

// The CPU. Buffers of 2 MiB and more ask for huge pages: the step then walks far fewer page-table entries.
Device& host_device();

class Buffer {
 public:
  Buffer() = default;
  Buffer(Device& device, size_t bytes);
  Buffer(Buffer&& other) noexcept;
  Buffer& operator=(Buffer&& other) noexcept;
  ~Buffer();
  void* data() const { return data_; }
  size_t bytes() const { return bytes_; }
  Device* device() const { return device_; }

 private:
  Device* device_ = nullptr;
  void* data_ = nullptr;
  size_t bytes_ = 0;
};

class HostBuffer {
 public:
  HostBuffer() = default;
  HostBuffer(Device& device, size_t bytes) : data_(device.allocate_host(bytes), {&device, bytes}) {}
  void* data() const { return data_.get(); }

 private:
  struct Release {
    Device* device;
    size_t bytes;
    void operator()(void* data) const { device->release_host(data, bytes); }
  };
  std::unique_ptr<void, Release> data_;
};

// A range from here to the end of the scope.
class DeviceRange {
 public:
  DeviceRange(Device& device, const std::string& name) : device_(device) { device.begin_range(name.c_str()); }
  ~DeviceRange() { device_.end_range(); }
  DeviceRange(const DeviceRange&) = delete;
  DeviceRange& operator=(const DeviceRange&) = delete;

 private:
  Device& device_;
};

constexpr size_t aligned(size_t bytes) {
  return (bytes + Device::kAlignment - 1) / Device::kAlignment * Device::kAlignment;
}

}  // namespace gabor
