// The matrix instruction of an element type: m16n8k8 of f32 (rounded to TF32), m16n8k16 of 16 bits; and f32 on its way to the
// latter.
#pragma once
#include <type_traits>

#include "kernels/common/storage.h"
#include "kernels/simt/gpu.h"
#include "kernels/simt/half_pair.h"

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

// A Config (of a kernel on tensor cores) whose f32 operands are rounded to Half instead of TF32.
template <class Config, class Half>
struct Rounding : Config {
  using Operand = Half;
};
// What the matrix instruction multiplies where Element is in memory. Config::Operand: void, or as in Rounding.
template <class Config, class Element>
using OperandOf = std::conditional_t<sizeof(Element) == 4 && !std::is_void_v<typename Config::Operand>,
                                     typename Config::Operand, Element>;

// f(Config{}), or f of its Rounding, as the caller wants f32 multiplied (16-bit elements are what they are).
template <class Element, class Config, class F>
void with_operand(Math f32_as, Config config, F f) {
  if constexpr (sizeof(Element) == 4)
    if (f32_as == Math::bf16) return f(Rounding<Config, simt::bfloat16>{});
  f(config);
}

// A fragment of 16 bits from two of f32, as of TF32, of k and of k + 8: pairs of words, rounded. It holds k in the order
// t, t + 4 (t = lane % 4), not 2t, 2t + 1; with A and B alike the sum is over the same products.
template <class Half>
__device__ inline void round_fragments(uint32_t (&r)[4], const uint32_t (&first)[4],
                                       const uint32_t (&second)[4]) {
  const auto pair = [](uint32_t low, uint32_t high) {
    static_assert(std::is_same_v<Half, simt::bfloat16>);
    return simt::bfloat16_pair(__uint_as_float(low), __uint_as_float(high));
  };
  r[0] = pair(first[0], first[2]), r[1] = pair(first[1], first[3]);
  r[2] = pair(second[0], second[2]), r[3] = pair(second[1], second[3]);
}

}  // namespace gabor::kernels
