// A backend with a convolution that is as slow and as wrong as a test wants, on a device whose clock it turns.
#pragma once
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ops/backend.h"

namespace gabor::testing {

class FakeDevice final : public Device {
 public:
  DeviceKind kind() const override { return DeviceKind::host; }
  std::string name() const override { return "fake"; }
  void* allocate(size_t bytes) override { return host_device().allocate(bytes); }
  void release(void* data, size_t bytes) noexcept override { host_device().release(data, bytes); }
  void copy_to(void* device, const void* host, size_t bytes) override {
    host_device().copy_to(device, host, bytes);
  }
  void copy_from(void* host, const void* device, size_t bytes) override {
    host_device().copy_from(host, device, bytes);
  }
  void zero(void* device, size_t bytes) override { host_device().zero(device, bytes); }
  std::unique_ptr<Stopwatch> stopwatch() override;

  double clock = 0;  // seconds
};

struct FakeSpec {
  std::string name;
  std::vector<double> seconds = {1};  // of one run after the other, over and over
  std::function<void(std::span<float>)> spoil = [](std::span<float>) {};  // what it does to a right result
  Traits traits{};
  std::string failure{};  // of every run; "": none
  ErrorCode failure_code = ErrorCode::device;
  std::string unsupported{};  // the reason; "": it runs everything
  bool idle = false;          // it writes nothing at all
  bool has_conv2d = true;
  size_t workspace = 128;
  double conversion = 0;  // seconds that converting layouts takes by itself; 0: it converts nothing
  std::vector<FakeSpec> variants{};
  std::string kernel = "fake kernel";
};

std::shared_ptr<const Backend> fake_backend(FakeDevice& device, FakeSpec spec);

}  // namespace gabor::testing
