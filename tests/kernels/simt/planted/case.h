// Bugs planted into small kernels, one a case, and what has to report each. The kernels are templates on the bug, so
// what is tested is compiled code with the mistake in it, and the same code without it must be found clean.
#pragma once
#include <string>
#include <vector>

#include "kernels/simt/device_array.h"

namespace gabor::simt::planted {

// A regular expression for what the run must end with; kClean: it must end well; kUnseen: this flavour is not relied
// on to see it (a race is there in every order, but gives wrong values in some only).
using Verdict = const char*;
inline constexpr Verdict kClean = "";
inline constexpr Verdict kUnseen = nullptr;
inline constexpr Verdict kWrongValue = "wrong value";

struct Case {
  const char* name;
  void (*run)();  // throws Error if the runtime or the checker complains or a value is wrong
  Verdict asan, check;
};

std::vector<Case> block_sum_cases();
std::vector<Case> elementwise_cases();
std::vector<Case> tensor_gemm_cases();
std::vector<Case> tile_product_cases();
std::vector<Case> warp_scan_cases();

// Throws Error{"wrong value"} unless the floats are the same, bit for bit (NaN is wrong).
void expect_values(const std::vector<float>& got, const std::vector<float>& want);

// -8..8, exact in all formats and sums.
std::vector<float> small_integers(int count, int which);

}  // namespace gabor::simt::planted
