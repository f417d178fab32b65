// Second stage of the first block's backward: the slices' sums, partial[slice][k][sums] (the bias gradient follows a
// filter's taps), added up in order.
#pragma once
#include "kernels/common/dispatch.cuh"
#include "kernels/common/epilogue.cuh"
#include "kernels/first_block/first_block.h"

namespace gabor::kernels::first_block {

struct SliceSumConfig {
  static constexpr int kThreads = 256, kColumns = 32, kWarps = kThreads / kColumns;
  static_assert(kColumns == 32);
};

// A block adds up 32 elements over the slices, a warp every kWarps-th slice, in order, and hands the sums
// to dw or db. Bytes: the workspace once, from L2, which it was just written to; slices / 8 loads in a row.
template <class Config, class Epilogue>
__global__ __launch_bounds__(Config::kThreads) void sum_slices(const float* partial, int64_t count,
                                                               int32_t slices, int32_t taps, int32_t sums,
                                                               Epilogue epilogue, float* dw, float* db) {
  SHARED(float, warp_sums, [Config::kWarps][Config::kColumns]);
  const int32_t warp = int32_t(threadIdx.x) / 32, lane = int32_t(threadIdx.x) % 32;
  const int64_t element = int64_t(blockIdx.x) * Config::kColumns + lane;
  float sum = 0.0f;
  if (element < count)
    for (int32_t slice = warp; slice < slices; slice += Config::kWarps)
      sum += partial[slice * count + element];
  warp_sums[warp][lane] = sum;
  __syncthreads();
  if (warp != 0 || element >= count) return;
  float total = 0.0f;
  for (int i = 0; i < Config::kWarps; ++i) total += warp_sums[i][lane];
  const int64_t k = element / sums, tap = element % sums;
  float* to = tap < taps ? dw + k * taps + tap : db + k;
  *to = epilogue(total, k, epilogue.reads_old() ? *to : 0.0f);
}

// sums: columns of partial: taps of a filter, and 1 if db is wanted.
inline void add_up_slices(const FirstBlockProblem& p, int slices, int32_t sums, bool accumulate,
                          const float* partial, float* dw, float* db, Stream stream) {
  const int64_t count = p.conv.K * sums, blocks = simt::ceil_div(count, int64_t{SliceSumConfig::kColumns});
  launch(grid_of(dim3(unsigned(blocks)), SliceSumConfig::kThreads, stream),
         sum_slices<SliceSumConfig, Gradient>, partial, count, slices, int32_t(p.conv.reduction()), sums,
         Gradient{accumulate}, dw, db);
}

}  // namespace gabor::kernels::first_block
