#include <chrono>

#include "device/device.h"

namespace gabor {
namespace {

class HostStopwatch final : public Stopwatch {
 public:
  explicit HostStopwatch(Device& device) : device_(device), mark_(device, sizeof(uint32_t)) {
    device_.zero(mark_.data(), mark_.bytes());
  }
  double seconds(const std::function<void()>& work) override {
    wait();
    const auto begin = std::chrono::steady_clock::now();
    work();
    wait();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }

 private:
  // The copy comes after all that is queued on the stream.
  void wait() {
    uint32_t mark = 0;
    if (device_.kind() != DeviceKind::host) device_.copy_from(&mark, mark_.data(), sizeof mark);
  }
  Device& device_;
  Buffer mark_;
};

}  // namespace

std::unique_ptr<Stopwatch> Device::stopwatch() { return std::make_unique<HostStopwatch>(*this); }

}  // namespace gabor
