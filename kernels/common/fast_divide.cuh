// Division of indices by a number that is known at launch: a multiplication and a shift on the device, where an
// integer division takes some twenty instructions.
// Method: Granlund and Montgomery, "Division by invariant integers using multiplication", PLDI 1994, figure 4.1.
#pragma once
#include "kernels/simt/gpu.h"

namespace gabor::kernels {

class FastDivide {
 public:
  FastDivide() = default;
  // 0 < divisor < 2^31.
  explicit FastDivide(int32_t divisor) : divisor_(uint32_t(divisor)) {
    while (shift_ < 31 && (uint32_t{1} << shift_) < divisor_) ++shift_;
    const uint64_t excess = (uint64_t{1} << shift_) - divisor_;
    multiplier_ = uint32_t((excess << 32) / divisor_ + 1);
  }

  // n / divisor, rounded down; 0 <= n < 2^31 (the sum below then fits in 32 bits).
  __host__ __device__ int32_t quotient(int32_t n) const {
    const uint32_t high = uint32_t(uint64_t(multiplier_) * uint32_t(n) >> 32);
    return int32_t((high + uint32_t(n)) >> shift_);
  }
  // The quotient; n becomes the remainder.
  __host__ __device__ int32_t split(int32_t& n) const {
    const int32_t q = quotient(n);
    n -= q * int32_t(divisor_);
    return q;
  }

 private:
  uint32_t divisor_ = 1, multiplier_ = 1, shift_ = 0;
};

}  // namespace gabor::kernels
