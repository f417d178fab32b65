// y = the inclusive prefix sums of each block's 256 elements of x: by shuffles in a warp, and in dynamic shared memory
// (a float a warp) over the warps.
#include "kernels/simt/planted/case.h"

namespace gabor::simt::planted {
namespace {

enum class Bug { none, dynamic_shared_too_small, no_syncwarp, no_syncwarp_within_a_warp_exchange };

constexpr int kThreads = 256, kWarps = kThreads / 32;

template <Bug kBug>
__global__ void warp_scan(const float* x, float* y, int size) {
  DYN_SHARED(float, sums);
  const int thread = int(threadIdx.x), lane = thread % 32, warp = thread / 32;
  const int i = int(blockIdx.x) * kThreads + thread;
  float v = i < size ? x[i] : 0.0f;
  for (int distance = 1; distance < 32; distance *= 2) {
    const float before = __shfl_up_sync(kFullMask, v, unsigned(distance));
    if (lane >= distance) v += before;
  }
  if (lane == 31) sums[kBug == Bug::dynamic_shared_too_small ? warp + 1 : warp] = v;
  __syncthreads();
  if (warp == 0) {
    for (int distance = 1; distance < kWarps; distance *= 2) {
      const float before = lane >= distance && lane < kWarps ? sums[lane - distance] : 0.0f;
      if (kBug != Bug::no_syncwarp) __syncwarp();
      if (lane < kWarps) sums[lane] += before;
      if (kBug != Bug::no_syncwarp_within_a_warp_exchange) __syncwarp();
    }
  }
  __syncthreads();
  if (warp > 0) v += sums[warp - 1];
  if (i < size) y[i] = v;
}

template <Bug kBug>
void run() {
  constexpr int kSize = 700;
  const auto x = small_integers(kSize, 4);
  std::vector<float> want;
  for (size_t i = 0; i < x.size(); ++i) want.push_back(i % kThreads == 0 ? x[i] : want.back() + x[i]);
  DeviceArray<float> dx(x, "x"), dy(kSize, "y");
  launch({dim3(ceil_div(kSize, kThreads)), dim3(kThreads), kWarps * sizeof(float)}, warp_scan<kBug>,
         dx.data(), dy.data(), kSize);
  expect_values(dy.values(), want);
}

}  // namespace

std::vector<Case> warp_scan_cases() {
  constexpr Verdict kRace =
      "race: (read|write) of 4 bytes, shared .dynamic. .*unordered with a (read|write) by thread";
  return {
      {"warp scan", run<Bug::none>, kClean, kClean},
      {"dynamic shared memory too small", run<Bug::dynamic_shared_too_small>, "use-after-poison",
       "(out of bounds|uninitialised).*shared .dynamic."},
      {"missing syncwarp before the write", run<Bug::no_syncwarp>, kUnseen, kRace},
      {"missing syncwarp after the write", run<Bug::no_syncwarp_within_a_warp_exchange>, kUnseen, kRace},
  };
}

}  // namespace gabor::simt::planted
