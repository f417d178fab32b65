// Sums that the blocks of a launch make in slices, and that the last of them to arrive adds up (join_slices.cuh): what a
// launcher is given for it. Plain C++.
#pragma once
#include <cstdint>

namespace gabor::kernels {

inline constexpr int kSlicesOfGroup = 16;  // are added up at once
inline constexpr int64_t kJoinCounters = 4096;

// sums: as large as the launcher's workspace function says, may be null if that is 0; what it holds before does not
// matter. counters: kJoinCounters words of device memory that are 0 before the launch, and 0 after it; two launches at
// once must not have the same. Null only where nothing is joined.
struct JoinMemory {
  float* sums = nullptr;
  unsigned* counters = nullptr;
};

// How many counters that takes.
constexpr int64_t join_counters(int64_t tiles, int64_t slices) {
  return slices == 1 ? 0 : tiles * (1 + (slices + kSlicesOfGroup - 1) / kSlicesOfGroup);
}

// slices, or 1 if so many cannot be joined.
constexpr int64_t joinable_slices(int64_t tiles, int64_t slices) {
  return join_counters(tiles, slices) <= kJoinCounters ? slices : 1;
}

}  // namespace gabor::kernels
