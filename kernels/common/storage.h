// How a launcher is told the element type of tensors in device memory. Plain C++.
#pragma once
#include <cstdint>

namespace gabor::kernels {

// Of storage: sums are float whatever it is.
enum class Storage : uint8_t { f32, f16, bf16 };

// How f32 is multiplied: as it is, or rounded first, for tensor cores. Sums are float in any case.
enum class Math : uint8_t { fp32, tf32, bf16 };

// A cudaStream_t; null is the default stream. Host execution has no streams and ignores it.
using Stream = void*;

}  // namespace gabor::kernels
