// The sums of slices, added up by the blocks that made them: a launch, and the wait for its start, less than a second kernel.
//   total[i] = sum over slices s of sums[s stride + offset(i)], for the elements i of a tile that all slices have
// A block leaves its sums in the workspace and counts itself. The last of a group of 16 slices adds up the group, and the
// last of the groups adds up these, so that no block reads more than 16 slices and a sum a group, and the groups work side
// by side. Which block comes last varies; the order of the additions does not: slices of a group from first to last, then
// groups from first to last.
// Bytes: the sums of all slices written and read once, in L2; two waits for a counter.
#pragma once
#include "kernels/common/slices.h"
#include "kernels/common/unroll.cuh"
#include "kernels/simt/gpu.h"

namespace gabor::kernels {

struct Slices {
  float* sums;
  int64_t stride;  // from slice to slice
  int32_t count;
  unsigned* counters;  // join_counters(tiles, count) of JoinMemory::counters

  __host__ __device__ int32_t groups() const { return simt::ceil_div<int32_t>(count, kSlicesOfGroup); }
};

// Whether this block is the last of so many to come to the counter: it then sees what the others wrote. All its threads
// call.
__device__ inline bool is_last(unsigned* counter, unsigned blocks) {
  __syncthreads();
  if (blocks == 1) return true;
  return __syncthreads_or(threadIdx.x == 0 && simt::last_block(counter, blocks)) != 0;
}

// write(offset, total) of slices first, first + step, ... , `count` of them, for the tile's elements.
template <int kThreads, class Offset, class Write>
__device__ inline void add_up(const Slices& s, int32_t first, int32_t count, int32_t step, int32_t elements,
                              Offset offset, Write write) {
  for (int32_t i = int32_t(threadIdx.x); i < elements; i += kThreads) {
    const int64_t at = offset(i);
    if (at < 0) continue;
    const float* from = s.sums + int64_t{first} * s.stride + at;
    float sum = 0.0f;
#pragma unroll 8  // so many loads at once
    for (int32_t slice = 0; slice < count; ++slice) sum += from[int64_t{slice} * step * s.stride];
    write(at, sum);
  }
}

// At the end of a block that has left the sums of its slice of its tile in s.sums. offset(i), 0 <= i < elements: where an
// element of the tile is in a slice, below 0 where there is none. finish(offset, total): called once for each, in one
// block. All threads call, all blocks of the grid that have the tile.
template <int kThreads, class Offset, class Finish>
__device__ inline void join_slices(const Slices& s, int32_t tile, int32_t slice, int32_t elements,
                                   Offset offset, Finish finish) {
  const int32_t groups = s.groups(), group = slice / kSlicesOfGroup, first = group * kSlicesOfGroup;
  const int32_t of_group = min(kSlicesOfGroup, s.count - first);
  unsigned* const counters = s.counters + int64_t{tile} * (groups + 1);
  if (!is_last(counters + group, unsigned(of_group))) return;
  if (groups == 1) return add_up<kThreads>(s, 0, s.count, 1, elements, offset, finish);
  add_up<kThreads>(s, first, of_group, 1, elements, offset, [&](int64_t at, float sum) {
    s.sums[int64_t{first} * s.stride + at] = sum;  // only this thread has read what was there
  });
  if (!is_last(counters + groups, unsigned(groups))) return;
  add_up<kThreads>(s, 0, groups, kSlicesOfGroup, elements, offset, finish);
}

}  // namespace gabor::kernels
