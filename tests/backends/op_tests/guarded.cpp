#include "backends/op_tests/guarded.h"

#include <algorithm>

namespace gabor::op_tests {
namespace {
constexpr size_t kBand = 4096, kGrid = 64;
constexpr unsigned char kOutputCanary = 0xA5, kInputCanary = 0xFF, kUnwritten = 0xFF;
}  // namespace

Guarded::Guarded(std::string name, const void* data, Shape shape, DType type, int skew, unsigned char canary,
                 bool read_only)
    : name_(std::move(name)),
      shape_(shape),
      type_(type),
      canary_(canary),
      bytes_(size_t(shape.count()) * size_of(type)),
      memory_(kBand + kGrid + size_t(skew) + bytes_ + kBand, canary) {
  unsigned char* begin = memory_.data() + kBand;
  begin += (kGrid - reinterpret_cast<uintptr_t>(begin) % kGrid) % kGrid;
  data_ = begin + skew;
  if (data)
    std::memcpy(data_, data, bytes_);
  else
    std::memset(data_, kUnwritten, bytes_);
  if (read_only) original_.assign(data_, data_ + bytes_);
}

Guarded Guarded::input(std::string name, const void* data, Shape shape, DType type, int skew) {
  return {std::move(name), data, shape, type, skew, kInputCanary, true};
}
Guarded Guarded::output(std::string name, Shape shape, DType type, int skew) {
  return {std::move(name), nullptr, shape, type, skew, kOutputCanary, false};
}
Guarded Guarded::in_out(std::string name, const void* data, Shape shape, DType type, int skew) {
  return {std::move(name), data, shape, type, skew, kOutputCanary, false};
}
Guarded Guarded::workspace(size_t bytes) {
  return {"workspace", nullptr, {int64_t(bytes)}, DType::u8, 0, kOutputCanary, false};
}

std::string Guarded::damage() const {
  const auto touched = [this](unsigned char v) { return v != canary_; };
  if (std::any_of(memory_.data(), static_cast<const unsigned char*>(data_), touched))
    return name_ + ": memory before the tensor was written";
  if (std::any_of(static_cast<const unsigned char*>(data_) + bytes_, memory_.data() + memory_.size(),
                  touched))
    return name_ + ": memory beyond the end of the tensor was written";
  if (!original_.empty() && std::memcmp(original_.data(), data_, bytes_) != 0)
    return name_ + ": an input was changed";
  return "";
}

}  // namespace gabor::op_tests
