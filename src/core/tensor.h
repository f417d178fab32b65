// A view borrows memory, with shape and element type; it never owns. Buffers and arenas (device/) own.
#pragma once
#include <cstddef>

#include "core/error.h"
#include "core/shape.h"

namespace gabor {

template <class T>
constexpr DType dtype_of();
template <>
constexpr DType dtype_of<float>() {
  return DType::f32;
}
template <>
constexpr DType dtype_of<uint8_t>() {
  return DType::u8;
}
template <>
constexpr DType dtype_of<int32_t>() {
  return DType::i32;
}

struct ConstTensorView {
  const void* data = nullptr;
  Shape shape;
  DType dtype = DType::f32;

  explicit operator bool() const { return data != nullptr; }
  int64_t count() const { return shape.count(); }
  size_t bytes() const { return size_t(count()) * size_of(dtype); }
  template <class T>
  const T* as() const {
    GABOR_CHECK(dtype == dtype_of<T>());
    return static_cast<const T*>(data);
  }
};

struct TensorView {
  void* data = nullptr;
  Shape shape;
  DType dtype = DType::f32;

  explicit operator bool() const { return data != nullptr; }
  int64_t count() const { return shape.count(); }
  size_t bytes() const { return size_t(count()) * size_of(dtype); }
  template <class T>
  T* as() const {
    GABOR_CHECK(dtype == dtype_of<T>());
    return static_cast<T*>(data);
  }
  operator ConstTensorView() const { return {data, shape, dtype}; }
};

}  // namespace gabor
