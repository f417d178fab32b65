// How a launcher is told the element type of tensors in device memory. Plain C++.
#pragma once
#include <cstdint>

namespace gabor::kernels {

// Of storage: sums are float whatever it is.
enum class Storage : uint8_t { f32, f16, bf16 };

// A cudaStream_t; null is the default stream. Host execution has no streams and ignores it.
using Stream = void*;

}  // namespace gabor::kernels
