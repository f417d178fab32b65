#include "core/stored_floats.h"

#include <cstring>

#include "core/error.h"
#include "core/half.h"

namespace gabor {
namespace {

// f(to bits, to float) for a type of 16 bits.
template <class F>
void with_half(DType type, F&& f) {
  GABOR_CHECK(type == DType::f16 || type == DType::bf16);
  if (type == DType::f16)
    f(f16_bits, f16_value);
  else
    f(bf16_bits, bf16_value);
}

}  // namespace

float stored(float v, DType type) {
  if (type != DType::f32) with_half(type, [&](auto to_bits, auto to_float) { v = to_float(to_bits(v)); });
  return v;
}

void store_floats(std::span<const float> values, DType type, void* to) {
  if (type == DType::f32) return void(std::memcpy(to, values.data(), values.size_bytes()));
  with_half(type, [&](auto to_bits, auto) {
    for (size_t i = 0; i < values.size(); i++) {
      const uint16_t bits = to_bits(values[i]);
      std::memcpy(static_cast<char*>(to) + i * sizeof bits, &bits, sizeof bits);
    }
  });
}

void load_floats(const void* from, DType type, std::span<float> values) {
  if (type == DType::f32) return void(std::memcpy(values.data(), from, values.size_bytes()));
  with_half(type, [&](auto, auto to_float) {
    for (size_t i = 0; i < values.size(); i++) {
      uint16_t bits = 0;
      std::memcpy(&bits, static_cast<const char*>(from) + i * sizeof bits, sizeof bits);
      values[i] = to_float(bits);
    }
  });
}

double element(const ConstTensorView& t, size_t i) {
  if (t.dtype == DType::u8) return double(t.as<uint8_t>()[i]);
  if (t.dtype == DType::i32) return double(t.as<int32_t>()[i]);
  float v = 0;
  load_floats(static_cast<const char*>(t.data) + i * size_of(t.dtype), t.dtype, {&v, 1});
  return v;
}

}  // namespace gabor
