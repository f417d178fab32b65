// Tensors between two guard bands, so that a backend that reads or writes outside them is found out.
#pragma once
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "backends/op_tests/generator.h"
#include "core/tensor.h"
#include "device/device.h"

namespace gabor::op_tests {

// Bytes of one tensor on the device of a trial, with 4 KiB of canary on each side. Outputs begin as 0xFF (NaN as
// float), so that an element that was never written is seen; inputs are surrounded by 0xFF, so that an element that
// should not have been read spoils the result. Tensors lie now and then off the 64-byte grid (random_skew).
class Guarded {
 public:
  static Guarded input(Trial& trial, std::string name, const void* data, Shape shape, DType type);
  static Guarded input(Trial& trial, std::string name, std::span<const float> values, Shape shape,
                       DType type);
  static Guarded output(Trial& trial, std::string name, Shape shape, DType type);
  // An output that holds something already (GradMode::accumulate, updates in place).
  static Guarded in_out(Trial& trial, std::string name, std::span<const float> values, Shape shape,
                        DType type);
  static Guarded workspace(Trial& trial, size_t bytes);  // on the grid

  ConstTensorView in() const { return {data_, shape_, type_}; }
  TensorView out() { return {data_, shape_, type_}; }
  // What the device holds now. The span lives as long as the tensor, or until the next call.
  template <class T>
  std::span<const T> values() const {
    fetch();
    return {static_cast<const T*>(static_cast<const void*>(tensor_bytes())), bytes_ / sizeof(T)};
  }

  std::vector<float> floats() const;  // the same of a tensor of f32, f16 or bf16
  DType type() const { return type_; }

  // "" or what was overwritten: a guard band, or an input itself.
  std::string damage() const;

 private:
  enum class Kind : uint8_t { input, output };
  Guarded(Device& device, std::string name, const void* data, Shape shape, DType type, int skew, Kind kind);
  void fetch() const;
  const unsigned char* tensor_bytes() const { return image_.data() + offset_; }

  std::string name_;
  Shape shape_;
  DType type_;
  unsigned char canary_;
  size_t bytes_, offset_;                     // of the tensor; where it begins in the memory
  mutable std::vector<unsigned char> image_;  // a copy of the memory, aligned alike
  std::vector<unsigned char> original_;       // contents of a tensor that is only read
  Buffer memory_;
  unsigned char* data_;
};

}  // namespace gabor::op_tests
