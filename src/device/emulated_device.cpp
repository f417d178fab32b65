#include "device/emulated_device.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "core/text.h"

namespace gabor {
namespace {

size_t page() {
  static const size_t bytes = size_t(sysconf(_SC_PAGESIZE));
  return bytes;
}

}  // namespace

void* EmulatedDevice::allocate(size_t bytes) {
  const size_t room = (aligned(bytes ? bytes : 1) + page() - 1) / page() * page();
  const std::lock_guard lock(mutex_);
  void* begin = mmap(nullptr, room + page(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (begin == MAP_FAILED)
    fail(ErrorCode::memory, name(), "cannot allocate {}; use a smaller --batch or --size",
         human_bytes(double(bytes)));
  if (opened_) mprotect(begin, room, PROT_READ | PROT_WRITE);
  void* data = static_cast<char*>(begin) + room - aligned(bytes ? bytes : 1);
  allocated_[data] = {begin, room};
  return data;
}

void EmulatedDevice::release(void* data, size_t) noexcept {
  const std::lock_guard lock(mutex_);
  const auto found = allocated_.find(data);
  if (found == allocated_.end()) return;
  munmap(found->second.begin, found->second.bytes + page());
  allocated_.erase(found);
}

void EmulatedDevice::copy_to(void* device, const void* host, size_t bytes) {
  open();
  std::memcpy(device, host, bytes);
  seal();
}

void EmulatedDevice::copy_from(void* host, const void* device, size_t bytes) {
  open();
  std::memcpy(host, device, bytes);
  seal();
}

void EmulatedDevice::zero(void* device, size_t bytes) {
  open();
  std::memset(device, 0, bytes);
  seal();
}

void EmulatedDevice::open() {
  const std::lock_guard lock(mutex_);
  if (opened_++ == 0) protect(PROT_READ | PROT_WRITE);
}

void EmulatedDevice::seal() {
  const std::lock_guard lock(mutex_);
  if (--opened_ == 0) protect(PROT_NONE);
}

void EmulatedDevice::protect(int rights) {
  for (const auto& [data, pages] : allocated_) mprotect(pages.begin, pages.bytes, rights);
}

}  // namespace gabor
