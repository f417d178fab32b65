// Floats in tensors of the types that hold them: f32, f16, bf16. Of other types: Error{internal}.
#pragma once
#include <span>

#include "core/tensor.h"

namespace gabor {

float stored(float v, DType type);  // v, rounded to what the type holds (core/half.h)
void store_floats(std::span<const float> values, DType type, void* to);
void load_floats(const void* from, DType type, std::span<float> values);

double element(const ConstTensorView& t, size_t i);  // of a tensor on the host, of any type

}  // namespace gabor
