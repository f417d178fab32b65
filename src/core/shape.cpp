#include "core/shape.h"

#include "core/error.h"

namespace gabor {

size_t size_of(DType type) {
  switch (type) {
    case DType::u8:
      return 1;
    case DType::f16:
    case DType::bf16:
      return 2;
    case DType::f32:
    case DType::i32:
      break;
  }
  return 4;
}

const char* name_of(DType type) {
  switch (type) {
    case DType::f32:
      return "f32";
    case DType::u8:
      return "u8";
    case DType::i32:
      return "i32";
    case DType::f16:
      return "f16";
    case DType::bf16:
      return "bf16";
  }
  return "?";
}

Shape::Shape(std::initializer_list<int64_t> dims) {
  GABOR_CHECK(dims.size() <= kMaxRank);
  for (int64_t d : dims) dims_[rank_++] = d;
}

int64_t Shape::count() const {
  int64_t n = 1;
  for (int i = 0; i < rank_; i++) n = checked_mul(n, dims_[i], "tensor size");
  return n;
}

Shape Shape::prepend(int64_t dim) const {
  GABOR_CHECK(rank_ < kMaxRank);
  Shape s;
  s.rank_ = rank_ + 1;
  s.dims_[0] = dim;
  for (int i = 0; i < rank_; i++) s.dims_[i + 1] = dims_[i];
  return s;
}

Shape Shape::append(int64_t dim) const {
  GABOR_CHECK(rank_ < kMaxRank);
  Shape s = *this;
  s.dims_[s.rank_++] = dim;
  return s;
}

Shape Shape::drop_first() const {
  GABOR_CHECK(rank_ > 0);
  Shape s;
  s.rank_ = rank_ - 1;
  for (int i = 0; i < s.rank_; i++) s.dims_[i] = dims_[i + 1];
  return s;
}

std::string Shape::str() const {
  std::string s;
  for (int i = 0; i < rank_; i++) s += (i ? "x" : "") + std::to_string(dims_[i]);
  return s.empty() ? "scalar" : s;
}

int64_t checked_mul(int64_t a, int64_t b, const char* what) {
  int64_t r = 0;
  if (__builtin_mul_overflow(a, b, &r))
    fail(ErrorCode::memory, "", "{} {} x {} overflows 64 bits", what, a, b);
  return r;
}

}  // namespace gabor
