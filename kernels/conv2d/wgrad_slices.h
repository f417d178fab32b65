// Into how many slices the wgrads that are implicit GEMMs cut their sum over N,P,Q. Plain C++.
#pragma once
#include <algorithm>
#include <cstdint>

#include "kernels/common/slices.h"

namespace gabor::kernels::conv2d {

// tiles: blocks that one slice has. The result, 1 to 1024, is best on a GPU of so many multiprocessors.
inline int wgrad_slices(int64_t tiles, int64_t positions, int64_t multiprocessors) {
  // Blocks for each multiprocessor: several, so that the last ones to finish leave little idle.
  constexpr int64_t kBlocksEach = 8;
  // A slice of fewer positions would write more to the workspace than it reads.
  constexpr int64_t kLeastPositions = 256, kMostSlices = 1024;
  const int64_t wanted = (kBlocksEach * multiprocessors + tiles - 1) / tiles;
  const int64_t useful = (positions + kLeastPositions - 1) / kLeastPositions;
  return int(joinable_slices(tiles, std::clamp<int64_t>(std::min(wanted, useful), 1, kMostSlices)));
}

}  // namespace gabor::kernels::conv2d
