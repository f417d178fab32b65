// ldmatrix and mma.sync on the host (cuda/tensor_core.h has contract and fragment layouts). Products are exact,
// sums are in double and rounded once: better than the hardware's, so error budgets come from elsewhere.
#pragma once
#include <cstdint>

#include "kernels/simt/host/intrinsics.h"

namespace gabor::simt {
namespace host {

// ---- ldmatrix -----------------------------------------------------------------------------------------------
struct MatrixSlot {
  const void* row;  // of 8 elements, 16 bits each
  uint32_t r[4];
};

// Not seen by the access checker, which would take these for reads by the one lane that does the work of all:
// each lane has announced its own row by then.
__attribute__((no_sanitize("thread"))) inline uint32_t matrix_element(const void* slot, int column) {
  return static_cast<const uint16_t*>(static_cast<const MatrixSlot*>(slot)->row)[column];
}

template <int Count, bool Trans>
void run_ldmatrix(void* const* slots, uint32_t) {
  for (int lane = 0; lane < 32; ++lane) {
    const int g = lane / 4, t = lane % 4;
    for (int m = 0; m < Count; ++m) {
      void* const* rows = slots + 8 * m;
      const uint32_t low = Trans ? matrix_element(rows[2 * t], g) : matrix_element(rows[g], 2 * t);
      const uint32_t high = Trans ? matrix_element(rows[2 * t + 1], g) : matrix_element(rows[g], 2 * t + 1);
      static_cast<MatrixSlot*>(slots[lane])->r[m] = low | high << 16;
    }
  }
}

template <int Count, bool Trans>
void ldmatrix(const char* name, uint32_t (&r)[Count], const void* row, Site site, const void* pc) {
  if (lane_id() < 8 * Count) {
    if (reinterpret_cast<uintptr_t>(row) % 16 != 0)
      trap(std::string(name) + ": the address of a row is not a multiple of 16", site);
    touch(row, 16, false, pc, site);
  }
  MatrixSlot slot{row, {}};
  warp_collective({name, true, false, run_ldmatrix<Count, Trans>}, 0xffffffffu, &slot, site);
  for (int m = 0; m < Count; ++m) r[m] = slot.r[m];
}

// ---- mma ------------------------------------------------------------------------------------------------------
struct MmaSlot {
  float* d;
  const uint32_t *a, *b;
  const float* c;
};

struct Tf32 {
  static constexpr int kPerRegister = 1;
  static float element(uint32_t r, int) {
    return __uint_as_float(r & 0xffffe000u);
  }  // lower bits: not looked at
};
struct F16 {
  static constexpr int kPerRegister = 2;
  static float element(uint32_t r, int i) { return __half2float(__ushort_as_half(uint16_t(r >> 16 * i))); }
};
struct Bf16 {
  static constexpr int kPerRegister = 2;
  static float element(uint32_t r, int i) {
    return __bfloat162float(__ushort_as_bfloat16(uint16_t(r >> 16 * i)));
  }
};

// m16 n8 k(8 kPerRegister): the registers of a fragment step through k in halves of 4 kPerRegister.
template <class Format>
void run_mma(void* const* slots, uint32_t) {
  constexpr int kPer = Format::kPerRegister, kHalf = 4 * kPer, kDepth = 2 * kHalf;
  float a[16][kDepth], b[kDepth][8];
  for (int lane = 0; lane < 32; ++lane) {
    const auto& slot = *static_cast<MmaSlot*>(slots[lane]);
    const int g = lane / 4, t = lane % 4;
    for (int i = 0; i < kPer; ++i) {
      for (int r = 0; r < 4; ++r)
        a[g + 8 * (r % 2)][kPer * t + i + kHalf * (r / 2)] = Format::element(slot.a[r], i);
      for (int r = 0; r < 2; ++r) b[kPer * t + i + kHalf * r][g] = Format::element(slot.b[r], i);
    }
  }
  for (int lane = 0; lane < 32; ++lane) {
    const auto& slot = *static_cast<MmaSlot*>(slots[lane]);
    for (int i = 0; i < 4; ++i) {
      const int row = lane / 4 + 8 * (i / 2), column = 2 * (lane % 4) + i % 2;
      double sum = slot.c[i];
      for (int k = 0; k < kDepth; ++k) sum += double(a[row][k]) * double(b[k][column]);
      slot.d[i] = float(sum);
    }
  }
}

template <class Format>
void mma(const char* name, float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], const float (&c)[4],
         Site site) {
  MmaSlot slot{d, a, b, c};
  warp_collective({name, true, false, run_mma<Format>}, 0xffffffffu, &slot, site);
}

}  // namespace host

// Not inlined: the return address is the kernel's line, for the access checker.
__attribute__((noinline)) inline void ldmatrix_x4(uint32_t (&r)[4], const void* row,
                                                  host::Site site = host::Site::here()) {
  host::ldmatrix<4, false>("ldmatrix_x4", r, row, site, __builtin_return_address(0));
}
__attribute__((noinline)) inline void ldmatrix_x4_trans(uint32_t (&r)[4], const void* row,
                                                        host::Site site = host::Site::here()) {
  host::ldmatrix<4, true>("ldmatrix_x4_trans", r, row, site, __builtin_return_address(0));
}
__attribute__((noinline)) inline void ldmatrix_x2(uint32_t (&r)[2], const void* row,
                                                  host::Site site = host::Site::here()) {
  host::ldmatrix<2, false>("ldmatrix_x2", r, row, site, __builtin_return_address(0));
}

inline uint32_t to_tf32(float v) {
  const uint32_t bits = __float_as_uint(v);
  if ((bits & 0x7f800000u) == 0x7f800000u) return bits;  // infinite or NaN
  return (bits + 0x1000u) & 0xffffe000u;                 // half of the last bit that stays, on the magnitude
}

inline void mma_m16n8k8_tf32(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2],
                             const float (&c)[4], host::Site site = host::Site::here()) {
  host::mma<host::Tf32>("mma_m16n8k8_tf32", d, a, b, c, site);
}
inline void mma_m16n8k16_f16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2],
                             const float (&c)[4], host::Site site = host::Site::here()) {
  host::mma<host::F16>("mma_m16n8k16_f16", d, a, b, c, site);
}
inline void mma_m16n8k16_bf16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2],
                              const float (&c)[4], host::Site site = host::Site::here()) {
  host::mma<host::Bf16>("mma_m16n8k16_bf16", d, a, b, c, site);
}

}  // namespace gabor::simt
