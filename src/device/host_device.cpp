#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <utility>

#include "core/text.h"
#include "device/device.h"

namespace gabor {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;

class HostDevice final : public Device {
 public:
  DeviceKind kind() const override { return DeviceKind::host; }
  std::string name() const override { return "CPU"; }

  void* allocate(size_t bytes) override {
    const bool huge = bytes >= kHugePage;
    void* p = std::aligned_alloc(huge ? kHugePage : kAlignment,
                                 huge ? round_up(bytes, kHugePage) : aligned(bytes ? bytes : 1));
    if (!p)
      fail(ErrorCode::memory, "CPU", "cannot allocate {}; use a smaller --batch or --size",
           human_bytes(double(bytes)));
    if (huge) madvise(p, bytes, MADV_HUGEPAGE);  // advice only: no harm where it is refused
    return p;
  }
  void release(void* data, size_t) noexcept override { std::free(data); }
  void copy_to(void* device, const void* host, size_t bytes) override { std::memcpy(device, host, bytes); }
  void copy_from(void* host, const void* device, size_t bytes) override { std::memcpy(host, device, bytes); }
  void zero(void* device, size_t bytes) override { std::memset(device, 0, bytes); }

 private:
  static size_t round_up(size_t n, size_t to) { return (n + to - 1) / to * to; }
};

}  // namespace

Device& host_device() {
  static HostDevice device;  // stateless
  return device;
}

Buffer::Buffer(Device& device, size_t bytes)
    : device_(&device), data_(device.allocate(bytes)), bytes_(bytes) {}

Buffer::Buffer(Buffer&& other) noexcept
    : device_(std::exchange(other.device_, nullptr)),
      data_(std::exchange(other.data_, nullptr)),
      bytes_(std::exchange(other.bytes_, 0)) {}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  Buffer taken(std::move(other));
  std::swap(device_, taken.device_);
  std::swap(data_, taken.data_);
  std::swap(bytes_, taken.bytes_);
  return *this;
}

Buffer::~Buffer() {
  if (data_) device_->release(data_, bytes_);
}

}  // namespace gabor
