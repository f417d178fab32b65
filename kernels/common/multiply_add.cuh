// The matrix instruction of an element type: m16n8k8 of f32 (rounded to TF32), m16n8k16 of 16 bits.
#pragma once
#include <type_traits>

#include "kernels/simt/gpu.h"

namespace gabor::kernels {

// d += a b, of one warp; fragments as simt/cuda/tensor_core.h lays them out. sm_80 and newer.
template <class Element>
__device__ inline void multiply_add(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  if constexpr (sizeof(Element) == 4) {
    simt::mma_m16n8k8_tf32(d, a, b, d);
  } else if constexpr (std::is_same_v<Element, simt::half>) {
    simt::mma_m16n8k16_f16(d, a, b, d);
  } else {
    simt::mma_m16n8k16_bf16(d, a, b, d);
  }
}

}  // namespace gabor::kernels
