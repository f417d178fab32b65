// The cpu backend on a device that counts what is allocated on it.
#pragma once
#include <algorithm>
#include <memory>
#include <vector>

#include "backends/all.h"

namespace gabor::testing {

class CountingDevice final : public Device {
 public:
  DeviceKind kind() const override { return DeviceKind::host; }
  std::string name() const override { return "counting CPU"; }
  void* allocate(size_t bytes) override {
    void* p = host_device().allocate(bytes);
    held_ += bytes, peak_ = std::max(peak_, held_);
    return p;
  }
  void release(void* data, size_t bytes) noexcept override {
    held_ -= bytes;
    host_device().release(data, bytes);
  }
  void copy_to(void* device, const void* host, size_t bytes) override {
    host_device().copy_to(device, host, bytes);
  }
  void copy_from(void* host, const void* device, size_t bytes) override {
    host_device().copy_from(host, device, bytes);
  }
  void zero(void* device, size_t bytes) override { host_device().zero(device, bytes); }
  size_t peak() const { return peak_; }

 private:
  size_t held_ = 0, peak_ = 0;
};

// A backend as it is, but on another device.
class OnDevice final : public Backend {
 public:
  OnDevice(std::shared_ptr<const Backend> of, Device& device) : of_(std::move(of)), device_(device) {}
  std::string_view name() const override { return of_->name(); }
  Device& device() const override { return device_; }
  const OpSet& ops() const override { return of_->ops(); }

 private:
  std::shared_ptr<const Backend> of_;
  Device& device_;
};

inline Library library_on(Device& device) {
  std::vector<std::shared_ptr<const Backend>> backends;
  const auto cpu = make_library("cpu", 0);
  for (const auto& b : cpu->backends()) backends.push_back(std::make_shared<OnDevice>(b, device));
  return Library(std::move(backends));
}

}  // namespace gabor::testing
