// Device memory of a GPU that is emulated on the CPU (kernels/simt): pages of the host, sealed while no kernel runs.
// Host code that touches a device pointer outside a copy faults here (SIGSEGV), as it would with a GPU. A tensor ends at
// the end of its last page, but for less than kAlignment bytes, and an unmapped page follows it.
#pragma once
#include <map>
#include <mutex>

#include "device/device.h"

namespace gabor {

class EmulatedDevice final : public Device {
 public:
  DeviceKind kind() const override { return DeviceKind::cuda; }
  std::string name() const override { return "emulated GPU"; }
  void* allocate(size_t bytes) override;
  void release(void* data, size_t bytes) noexcept override;
  void copy_to(void* device, const void* host, size_t bytes) override;
  void copy_from(void* host, const void* device, size_t bytes) override;
  void zero(void* device, size_t bytes) override;

  // Between the two, which nest, all of its memory may be used.
  void open();
  void seal();

 private:
  struct Pages {
    void* begin;
    size_t bytes;  // without the unmapped page
  };
  void protect(int rights);
  std::mutex mutex_;
  std::map<void*, Pages> allocated_;  // by the tensor's address
  int opened_ = 0;
};

}  // namespace gabor
