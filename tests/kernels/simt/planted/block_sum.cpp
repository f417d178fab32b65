// total = the sum of x, in one fixed order: lanes by a tree of shuffles, warps and then blocks from first to last.
#include "kernels/simt/planted/case.h"

namespace gabor::simt::planted {
namespace {

enum class Bug {
  none,
  half_a_warp_skips_a_shuffle,
  lane_not_in_its_mask,
  shuffle_from_a_returned_lane,
  different_collectives,
  return_before_the_barrier,
  two_barriers,
  partial_not_written,
  no_barrier_before_the_warps_sum,
  blocks_add_without_order,
  last_block_without_fence,
  last_block_of_half_the_blocks,
  partials_in_reverse_order,
};

constexpr int kWarps = 4, kThreads = 32 * kWarps;

template <Bug kBug>
__device__ float warp_sum(float v) {
  const int lane = int(threadIdx.x) % 32;
  if (kBug == Bug::shuffle_from_a_returned_lane) return __shfl_sync(kFullMask, v, 31);
  if (kBug == Bug::lane_not_in_its_mask) return __shfl_sync(0x0000ffffu, v, 0);
  if (kBug == Bug::different_collectives && lane >= 16) return float(__ballot_sync(kFullMask, v > 0));
  for (int flip = 16; flip > 0; flip /= 2) {
    if (kBug == Bug::half_a_warp_skips_a_shuffle && lane >= 16 && flip == 4) continue;
    v += __shfl_xor_sync(kFullMask, v, flip);
  }
  return v;
}

template <Bug kBug>
__global__ void block_sum(const float* x, float* partial, unsigned* done, float* total) {
  SHARED(float, warp_sums, [kWarps]);
  const int lane = int(threadIdx.x) % 32, warp = int(threadIdx.x) / 32;
  if (kBug == Bug::shuffle_from_a_returned_lane && lane == 31) return;
  if (kBug == Bug::return_before_the_barrier && warp == 3) return;
  const float sum = warp_sum<kBug>(x[blockIdx.x * kThreads + threadIdx.x]);
  if (lane == 0 && !(kBug == Bug::partial_not_written && warp == 3)) warp_sums[warp] = sum;
  if (kBug == Bug::two_barriers && warp == 0) {
    __syncthreads();
  } else if (kBug != Bug::no_barrier_before_the_warps_sum) {
    __syncthreads();
  }
  if (threadIdx.x != 0) return;

  float block = warp_sums[0];
  for (int i = 1; i < kWarps; ++i) block += warp_sums[i];
  if (kBug == Bug::blocks_add_without_order) {
    *total += block;
    return;
  }
  partial[blockIdx.x] = block;
  const unsigned blocks = gridDim.x, odd = blockIdx.x % 2;
  const bool last = kBug == Bug::last_block_without_fence ? atomicAdd(done, 1u) == blocks - 1
                    : kBug == Bug::last_block_of_half_the_blocks
                        ? last_block(done + odd, (blocks + 1 - odd) / 2)
                        : last_block(done, blocks);
  if (!last) return;
  float all = 0.0f;
  for (unsigned i = 0; i < blocks; ++i)
    all += partial[kBug == Bug::partials_in_reverse_order ? blocks - 1 - i : i];
  *total = all;
}

float expected_sum(const std::vector<float>& x) {
  float total = 0.0f;
  for (size_t block = 0; block < x.size(); block += kThreads) {
    float block_total = 0.0f;
    for (size_t warp = block; warp < block + kThreads; warp += 32) {
      std::vector<float> lanes(x.begin() + ptrdiff_t(warp), x.begin() + ptrdiff_t(warp) + 32);
      for (size_t flip = 16; flip > 0; flip /= 2)
        for (size_t lane = 0; lane < flip; ++lane) lanes[lane] += lanes[lane + flip];
      block_total = warp == block ? lanes[0] : block_total + lanes[0];
    }
    total += block_total;
  }
  return total;
}

template <Bug kBug>
void run() {
  // To the first block's sum, which is large, 76.8 is added four times and rounded to 76; or 307.2 once, to 308.
  std::vector<float> x(5 * kThreads, 0.6f);
  x[0] = 0x1p24f;
  DeviceArray<float> dx(x, "x"), partial(5, "partial"), total(std::vector<float>{0.0f}, "total");
  DeviceArray<unsigned> done(std::vector<unsigned>{0, 0}, "done");
  launch({dim3(5), dim3(kThreads)}, block_sum<kBug>, dx.data(), partial.data(), done.data(), total.data());
  expect_values(total.values(), {expected_sum(x)});
}

}  // namespace

std::vector<Case> block_sum_cases() {
  constexpr Verdict kDeadlock = "deadlock.*__shfl_xor_sync at block_sum.cpp|divergent warp collective";
  constexpr Verdict kReturned = "__shfl_sync reads lane 31, which is outside the mask or has returned";
  constexpr Verdict kReturnedBarrier = "96 of 128 threads wait at this barrier, the others have returned";
  return {
      {"block sum", run<Bug::none>, kClean, kClean},
      {"half a warp skips a shuffle", run<Bug::half_a_warp_skips_a_shuffle>, kDeadlock, kDeadlock},
      {"lane not in its mask", run<Bug::lane_not_in_its_mask>, "is not in its own mask 0x0000ffff",
       "is not in its own mask 0x0000ffff"},
      {"shuffle from a returned lane", run<Bug::shuffle_from_a_returned_lane>, kReturned, kReturned},
      {"different collectives in a warp", run<Bug::different_collectives>, "divergent warp collective",
       "divergent warp collective"},
      {"return before the barrier", run<Bug::return_before_the_barrier>, kReturnedBarrier, kReturnedBarrier},
      {"two barriers in two branches", run<Bug::two_barriers>, "divergent barrier: [0-9]+ thread.s. wait at",
       "divergent barrier: [0-9]+ thread.s. wait at"},
      {"partial sum not written", run<Bug::partial_not_written>, kWrongValue,
       "uninitialised: read of 4 bytes, shared warp_sums byte 12 of 16"},
      {"missing barrier before the sum of warps", run<Bug::no_barrier_before_the_warps_sum>, kUnseen,
       "(uninitialised|race): (read|write) of 4 bytes, shared warp_sums"},
      {"blocks add to one place", run<Bug::blocks_add_without_order>, kUnseen,
       "race: (read|write) of 4 bytes, global total .*another block"},
      {"last block by a bare counter", run<Bug::last_block_without_fence>, kUnseen,
       "race: read of 4 bytes, global partial .*another block"},
      {"last block of half the blocks", run<Bug::last_block_of_half_the_blocks>, kUnseen,
       "(uninitialised|race): read of 4 bytes, global partial"},
      {"wrong order of reduction", run<Bug::partials_in_reverse_order>, kWrongValue, kWrongValue},
  };
}

}  // namespace gabor::simt::planted
