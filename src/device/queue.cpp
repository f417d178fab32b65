// What Device does where nothing goes on by itself.
#include "device/queue.h"

#include "device/device.h"

namespace gabor {
namespace {

class ReachedMark final : public Mark {
  void set(Queue) override {}
  void hold(Queue) override {}
  void wait() override {}
};

class DirectReplay final : public Replay {
 public:
  void run(const std::function<void()>& work) override { work(); }
  const std::string& fault() const override { return none_; }

 private:
  std::string none_;
};

}  // namespace

void* Device::allocate_host(size_t bytes) { return host_device().allocate(bytes); }
void Device::release_host(void* data, size_t bytes) noexcept { host_device().release(data, bytes); }
void Device::queue_copy_to(void* device, const void* host, size_t bytes, Queue) {
  copy_to(device, host, bytes);
}
void Device::queue_copy_from(void* host, const void* device, size_t bytes, Queue) {
  copy_from(host, device, bytes);
}
std::unique_ptr<Mark> Device::mark() { return std::make_unique<ReachedMark>(); }
std::unique_ptr<Replay> Device::replay() { return std::make_unique<DirectReplay>(); }

}  // namespace gabor
