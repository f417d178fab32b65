// How tests of kernels judge a result: element by element against a double-precision oracle, within an error budget
// (ops/budget.h has the bounds).
#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "kernels/common/storage.h"
#include "kernels/simt/device_array.h"
#include "ops/budget.h"

namespace gabor::kernel_tests {

using Rng = std::mt19937;  // its values are fixed by the standard

inline int below(Rng& rng, int bound) { return int(rng() % unsigned(bound)); }
inline int between(Rng& rng, int low, int high) { return low + below(rng, high - low + 1); }
inline float uniform(Rng& rng, float low, float high) {
  return low + (high - low) * float(rng() >> 8) * 0x1p-24f;
}

// How launchers are told of Element.
template <class Element>
constexpr kernels::Storage kStorageOf = std::is_same_v<Element, simt::half>       ? kernels::Storage::f16
                                        : std::is_same_v<Element, simt::bfloat16> ? kernels::Storage::bf16
                                                                                  : kernels::Storage::f32;

// What rounding a float to Element may add to a result.
template <class Element>
double storage_error(double value) {
  if constexpr (sizeof(Element) == 4) {
    return 0;
  } else {
    const bool is_half = std::is_same_v<Element, simt::half>;
    return std::fabs(value) * (is_half ? 0x1p-11 : 0x1p-8) + (is_half ? 0x1p-25 : 0);
  }
}

template <class Element>
std::vector<Element> stored(const std::vector<float>& values) {
  std::vector<Element> out;
  for (float v : values) out.push_back(simt::from_float<Element>(v));
  return out;
}

template <class Element>
std::vector<double> widened(const std::vector<Element>& values) {
  std::vector<double> out;
  for (const Element& v : values) out.push_back(double(simt::to_float(v)));
  return out;
}

struct Expected {
  std::vector<double> value, budget;
  void add(double v, double b) { value.push_back(v), budget.push_back(b); }
};

// How far got is off, in budgets, at its worst element: at most 1 is right. NaN meets only NaN, an infinity only
// itself.
template <class Element>
double worst(const std::vector<Element>& got, const Expected& want) {
  if (got.size() != want.value.size()) return std::numeric_limits<double>::infinity();
  double most = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    const double g = double(simt::to_float(got[i])), w = want.value[i], b = want.budget[i];
    if (g == w || (std::isnan(g) && std::isnan(w))) continue;
    if (std::isinf(b) && std::isfinite(w) && !std::isnan(g)) continue;  // a float may overflow on the way
    const double off = std::fabs(g - w) / b;
    most = std::max(most, off >= 0 ? off : std::numeric_limits<double>::infinity());
  }
  return most;
}

// got is within budget; and zeros, what a kernel that does nothing would leave, are not, if want is not as small.
template <class Element>
void expect_within(const std::vector<Element>& got, const Expected& want, const char* what) {
  EXPECT_LE(worst(got, want), 1.0) << what;
  bool telling = false;
  for (size_t i = 0; i < want.value.size(); ++i)
    telling = telling || std::isnan(want.value[i]) || std::fabs(want.value[i]) > want.budget[i];
  const std::vector<Element> zeros(got.size(), simt::from_float<Element>(0.0f));
  if (telling) {
    EXPECT_GT(worst(zeros, want), 1.0) << what << ": zeros would pass";
  }
}

}  // namespace gabor::kernel_tests
