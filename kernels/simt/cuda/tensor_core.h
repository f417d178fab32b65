// Tensor-core instructions, with the fragment layouts of the PTX ISA ("Matrix Fragments for mma"). All 32 lanes
// call together. With g = lane / 4 and t = lane % 4:
//   C, D  16x8 float:  c[0], c[1] = row g, columns 2t, 2t+1;  c[2], c[3] = row g+8
//   16-bit A 16x16:    a[0] = row g, k 2t..2t+1;  a[1] = row g+8;  a[2], a[3] = the same rows, k + 8
//   16-bit B 16x8:     b[0] = k 2t..2t+1, column g;  b[1] = k + 8     (two elements a register, lower k first)
//   TF32 A 16x8:       a[0] = row g, k t;  a[1] = row g+8;  a[2], a[3] = the same rows, k + 4
//   TF32 B 8x8:        b[0] = k t, column g;  b[1] = k + 4
// On an architecture without the instruction the wrapper traps: the launcher chooses the kernel by capability.
#pragma once
#include <cstdint>

#include "kernels/simt/cuda/async_copy.h"

namespace gabor::simt {

// Four (two) 8x8 matrices of 16-bit elements from shared memory, as A and B fragments want them: lane l passes
// the address of row l % 8 of matrix l / 8 (16 bytes, aligned), and gets elements 2t, 2t+1 of row g of each.
// _trans: elements (2t, g) and (2t+1, g) instead. _x2 ignores the addresses of lanes 16 and up.
__device__ inline void ldmatrix_x4(uint32_t (&r)[4], const void* row) {
#if __CUDA_ARCH__ >= 750
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(shared_address(row))
               : "memory");
#else
  __trap();
#endif
}

__device__ inline void ldmatrix_x4_trans(uint32_t (&r)[4], const void* row) {
#if __CUDA_ARCH__ >= 750
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(shared_address(row))
               : "memory");
#else
  __trap();
#endif
}

__device__ inline void ldmatrix_x2(uint32_t (&r)[2], const void* row) {
#if __CUDA_ARCH__ >= 750
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0,%1}, [%2];"
               : "=r"(r[0]), "=r"(r[1])
               : "r"(shared_address(row))
               : "memory");
#else
  __trap();
#endif
}

// The nearest TF32 number (10 explicit mantissa bits; ties away from zero), as the bits of a float.
__device__ inline uint32_t to_tf32(float v) {
  uint32_t bits = 0;
#if __CUDA_ARCH__ >= 800
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(v));
#else
  __trap();
#endif
  return bits;
}

// d = a b + c, float accumulation; d may be c.
#if __CUDA_ARCH__ >= 800
#define GABOR_SIMT_MMA(shape_and_types)                                                                  \
  asm volatile("mma.sync.aligned." shape_and_types                                                       \
               " {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%10,%11,%12,%13};"                              \
               : "=f"(d[0]), "=f"(d[1]), "=f"(d[2]), "=f"(d[3])                                          \
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "f"(c[0]), "f"(c[1]), \
                 "f"(c[2]), "f"(c[3]))
#else
#define GABOR_SIMT_MMA(shape_and_types) __trap()
#endif

__device__ inline void mma_m16n8k8_tf32(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2],
                                        const float (&c)[4]) {
  GABOR_SIMT_MMA("m16n8k8.row.col.f32.tf32.tf32.f32");
}

__device__ inline void mma_m16n8k16_f16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2],
                                        const float (&c)[4]) {
  GABOR_SIMT_MMA("m16n8k16.row.col.f32.f16.f16.f32");
}

__device__ inline void mma_m16n8k16_bf16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2],
                                         const float (&c)[4]) {
  GABOR_SIMT_MMA("m16n8k16.row.col.f32.bf16.bf16.f32");
}

#undef GABOR_SIMT_MMA

}  // namespace gabor::simt
