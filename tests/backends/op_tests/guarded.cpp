#include "backends/op_tests/guarded.h"

#include <algorithm>

#include "core/stored_floats.h"

namespace gabor::op_tests {
namespace {
constexpr size_t kBand = 4096;  // a multiple of Device::kAlignment
constexpr unsigned char kOutputCanary = 0xA5, kInputCanary = 0xFF, kUnwritten = 0xFF;

std::vector<unsigned char> bytes_of(std::span<const float> values, DType type) {
  std::vector<unsigned char> bytes(values.size() * size_of(type));
  store_floats(values, type, bytes.data());
  return bytes;
}
}  // namespace

Guarded::Guarded(Device& device, std::string name, const void* data, Shape shape, DType type, int skew,
                 Kind kind)
    : name_(std::move(name)),
      shape_(shape),
      type_(type),
      canary_(kind == Kind::input ? kInputCanary : kOutputCanary),
      bytes_(size_t(shape.count()) * size_of(type)),
      offset_(kBand + size_t(skew)),
      image_(offset_ + bytes_ + kBand, canary_),
      memory_(device, image_.size()),
      data_(static_cast<unsigned char*>(memory_.data()) + offset_) {
  unsigned char* tensor = image_.data() + offset_;
  if (data)
    std::memcpy(tensor, data, bytes_);
  else
    std::memset(tensor, kUnwritten, bytes_);
  if (kind == Kind::input) original_.assign(tensor, tensor + bytes_);
  device.copy_to(memory_.data(), image_.data(), image_.size());
}

Guarded Guarded::input(Trial& trial, std::string name, const void* data, Shape shape, DType type) {
  return {trial.device, std::move(name), data, shape, type, random_skew(trial), Kind::input};
}
Guarded Guarded::input(Trial& trial, std::string name, std::span<const float> values, Shape shape,
                       DType type) {
  return input(trial, std::move(name), bytes_of(values, type).data(), shape, type);
}
Guarded Guarded::output(Trial& trial, std::string name, Shape shape, DType type) {
  return {trial.device, std::move(name), nullptr, shape, type, random_skew(trial), Kind::output};
}
Guarded Guarded::in_out(Trial& trial, std::string name, std::span<const float> values, Shape shape,
                        DType type) {
  return {trial.device,       std::move(name), bytes_of(values, type).data(), shape, type,
          random_skew(trial), Kind::output};
}
Guarded Guarded::workspace(Trial& trial, size_t bytes) {
  return {trial.device, "workspace", nullptr, {int64_t(bytes)}, DType::u8, 0, Kind::output};
}

void Guarded::fetch() const { memory_.device()->copy_from(image_.data(), memory_.data(), image_.size()); }

std::vector<float> Guarded::floats() const {
  fetch();
  std::vector<float> values(size_t(shape_.count()));
  load_floats(tensor_bytes(), type_, values);
  return values;
}

std::string Guarded::damage() const {
  fetch();
  const auto touched = [this](unsigned char v) { return v != canary_; };
  const auto tensor = image_.begin() + ptrdiff_t(offset_);
  if (std::any_of(image_.begin(), tensor, touched)) return name_ + ": memory before the tensor was written";
  if (std::any_of(tensor + ptrdiff_t(bytes_), image_.end(), touched))
    return name_ + ": memory beyond the end of the tensor was written";
  if (!original_.empty() && std::memcmp(original_.data(), tensor_bytes(), bytes_) != 0)
    return name_ + ": an input was changed";
  return "";
}

}  // namespace gabor::op_tests
