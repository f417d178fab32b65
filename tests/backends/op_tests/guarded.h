// Tensors between two guard bands, so that a backend that reads or writes outside them is found out.
#pragma once
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "core/tensor.h"

namespace gabor::op_tests {

// Bytes of one tensor with 4 KiB of canary on each side. Outputs begin as 0xFF (NaN as float), so that an
// element that was never written is seen; inputs are surrounded by 0xFF, so that an element that should not
// have been read spoils the result.
class Guarded {
 public:
  // skew: bytes by which the tensor is off the 64-byte grid.
  static Guarded input(std::string name, const void* data, Shape shape, DType type, int skew = 0);
  static Guarded output(std::string name, Shape shape, DType type, int skew = 0);
  // An output that holds something already (GradMode::accumulate, updates in place).
  static Guarded in_out(std::string name, const void* data, Shape shape, DType type, int skew = 0);
  static Guarded workspace(size_t bytes);

  ConstTensorView in() const { return {data_, shape_, type_}; }
  TensorView out() { return {data_, shape_, type_}; }
  template <class T>
  std::span<const T> values() const {
    return {static_cast<const T*>(static_cast<const void*>(data_)), bytes_ / sizeof(T)};
  }

  // "" or what was overwritten: a guard band, or an input itself.
  std::string damage() const;

 private:
  Guarded(std::string name, const void* data, Shape shape, DType type, int skew, unsigned char canary,
          bool read_only);
  std::string name_;
  Shape shape_;
  DType type_;
  unsigned char canary_;
  size_t bytes_;
  std::vector<unsigned char> memory_, original_;  // original_: contents of a read-only tensor
  unsigned char* data_;
};

}  // namespace gabor::op_tests
