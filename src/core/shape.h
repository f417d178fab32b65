// Shapes and element types. Activations are N,H,W,C ("NHWC"), convolution filters K,R,S,C ("KRSC"), dense
// weights K,C, vectors of one dimension. Row-major: the last dimension is contiguous.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>

namespace gabor {

// f16 (IEEE 754 binary16) and bf16 (the upper half of a float) are for storage: nothing is computed in them.
enum class DType : uint8_t { f32, u8, i32, f16, bf16 };

size_t size_of(DType type);       // bytes of one element
const char* name_of(DType type);  // "f32", "u8", "i32", "f16", "bf16"

class Shape {
 public:
  static constexpr int kMaxRank = 4;
  Shape() = default;
  Shape(std::initializer_list<int64_t> dims);

  int rank() const { return rank_; }
  int64_t operator[](int axis) const { return dims_[axis]; }
  int64_t& operator[](int axis) { return dims_[axis]; }
  int64_t count() const;             // product of the dimensions; 1 for rank 0
  Shape prepend(int64_t dim) const;  // {C} -> {N,C}: a sample's shape becomes a batch's
  Shape append(int64_t dim) const;   // one more dimension at the end
  Shape drop_first() const;          // the inverse
  std::string str() const;           // "32x148x148x10"
  friend bool operator==(const Shape&, const Shape&) = default;

 private:
  std::array<int64_t, kMaxRank> dims_{};
  int rank_ = 0;
};

// Product that throws Error{memory} instead of overflowing; what is named in the message.
int64_t checked_mul(int64_t a, int64_t b, const char* what);

}  // namespace gabor
