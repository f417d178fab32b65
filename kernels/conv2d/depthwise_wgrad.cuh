// Depthwise wgrad: a sum over all positions for each of few filter elements, cut into slices and added up in a fixed order.
//   dw[k,r,s] (+)= sum over n,p,q of dy[n,p,q,k] x[n,h,v,k/m],  h = p stride_h - top + r dil_h, v alike;  m = K/C
//   db[k] (+)= sum over n,p,q of dy[n,p,q,k]
// Its ideas: (1) a thread owns one row r of the windows of its channels, all sums of which stay in registers, and takes
// kOutputs positions of a row at a time, so that a pixel it has loaded serves each tap that reads it; the threads for the
// other r of the same positions stand beside it in the block and find dy and x in the L1 cache; (2) in two stages: a block
// adds up its threads' sums in shared memory, in order, and leaves them in the workspace, where the last blocks add up the
// slices (join_slices.cuh).
// Shapes, dense: x N,H,W,C; dy N,P,Q,K; of type Element; the workspace slices,K,columns with columns = R S, and one more for db;
// float, as sums are. kChannels, kTaps, kStride: as in depthwise.cuh; with kTaps = 0 blocks take kSums taps of a row each.
// A block owns 32 filters; a worker (kLanes threads) one row r of them and every `lines`th run of the slice.
// Shared memory: kWorkers (kSums + 1) 128 bytes: 4 to 24 KiB. 40-112 registers.
// FLOPs 2 N P Q K (R S + 1); bytes: x and dy once, the workspace twice. 3x3 in float: 20 FLOP for 8 bytes: DRAM-bound on an
// H200 and on a GTX 1660 Ti. A warp's 4 runs of 4 positions are 4 KiB of traffic: 197 cycles of an H200 multiprocessor's
// share of the DRAM, 120 of its L1 cache (30 loads of 512 bytes).
// Positions that do not exist are skipped; zeros beside a row of x are multiplied like pixels where kTaps > 0: an Inf or
// NaN in dy gives NaN in the taps that read there.
#pragma once
#include "kernels/common/filter_gradients.cuh"
#include "kernels/conv2d/depthwise.cuh"

namespace gabor::kernels::conv2d {

template <int kChannelsOfThread, int kTapsOfRow, int kStrideOfRow>
struct DepthwiseWgradConfig {
  static constexpr int kChannels = kChannelsOfThread, kTaps = kTapsOfRow, kStride = kStrideOfRow;
  static constexpr int kOutputs = 4;
  static constexpr int kSums = kTaps > 0 ? kTaps : 4;  // taps of a thread
  static constexpr int kBlockThreads = 256, kBlockChannels = 32;
  static constexpr int kBlocksAtOnce = 2;  // 128 registers a thread: left alone, ptxas spills on sm_120
  static constexpr int kLanes = kBlockChannels / kChannels, kWorkers = kBlockThreads / kLanes;
  static constexpr int kColumns = (kOutputs - 1) * kStride + kTaps;
  static constexpr int kSharedFloats = kWorkers * (kSums + 1) * kBlockChannels;

  static_assert(kChannels == 1 || kChannels == kQuad);
  static_assert((kTaps == 0) == (kStride == 0), "both are known or neither");
  static_assert(kBlockThreads % 32 == 0 && kBlockThreads % kLanes == 0);
  static_assert(kSharedFloats * sizeof(float) <= 48 * 1024, "static shared memory");
};

struct DepthwiseWgradParams {
  SweepAxis vertical, horizontal;
  Runs runs;
  int32_t C, K, multiplier, columns;
  int32_t block_rows, lines;       // rows of the window in a block; workers of a row
  int32_t row_blocks, tap_blocks;  // of R, of S
  int32_t blocks;                  // of a slice
  int32_t slice_runs;

  // Of a Config with so many workers to a block and sums to a thread.
  DepthwiseWgradParams(const Conv2dProblem& p, bool with_db, int64_t slices, int32_t workers, int32_t sums)
      : vertical(forward_sweep(p).vertical),
        horizontal(forward_sweep(p).horizontal),
        runs(p.N, p.P(), p.Q(), DepthwiseWgradConfig<1, 0, 0>::kOutputs),
        C(int32_t(p.C)),
        K(int32_t(p.K)),
        multiplier(K / C),
        columns(int32_t(p.R * p.S) + with_db),
        block_rows(vertical.taps < workers ? vertical.taps : workers),
        lines(workers / block_rows),
        row_blocks(simt::ceil_div(vertical.taps, block_rows)),
        tap_blocks(simt::ceil_div(horizontal.taps, sums)),
        blocks(simt::ceil_div(K, DepthwiseWgradConfig<1, 0, 0>::kBlockChannels) * row_blocks * tap_blocks),
        slice_runs(int32_t(simt::ceil_div<int64_t>(runs.count, slices))) {}
};

// Which sums a thread owns: taps r, s .. s + kSums - 1 of filters k .. k + kChannels - 1.
struct DepthwiseWgradPlace {
  int32_t first_k, first_r, first_s;  // of the block
  int32_t k, r, line;

  template <class Config>
  __device__ static DepthwiseWgradPlace make(const DepthwiseWgradParams& a) {
    const int32_t worker = int32_t(threadIdx.x) / Config::kLanes;
    const int32_t rest = int32_t(blockIdx.x) / a.tap_blocks;
    const int32_t first_k = rest / a.row_blocks * Config::kBlockChannels;
    const int32_t first_r = rest % a.row_blocks * a.block_rows;
    return {first_k,
            first_r,
            int32_t(blockIdx.x) % a.tap_blocks * Config::kSums,
            first_k + int32_t(threadIdx.x) % Config::kLanes * Config::kChannels,
            first_r + worker % a.block_rows,
            worker / a.block_rows};
  }
};

// sum[s] += the products of `outputs` positions; dys: of the first. row: of x at the thread's channel; first: the column
// that tap 0 reads at the first position.
template <class Config, class Element>
__device__ __forceinline__ void add_products(const DepthwiseWgradParams& a, const Element* row, int32_t first,
                                             int32_t first_s, int32_t outputs,
                                             const float (&dys)[Config::kOutputs][Config::kChannels],
                                             float (&sum)[Config::kSums][Config::kChannels]) {
  constexpr int kChannels = Config::kChannels;
  const SweepAxis& axis = a.horizontal;
  if constexpr (Config::kTaps > 0) {
    float pixel[Config::kColumns][kChannels] = {};
    GABOR_UNROLL
    for (int i = 0; i < Config::kColumns; ++i)
      if (uint32_t(first + i) < uint32_t(axis.extent))
        load_floats<kChannels>(row + int64_t(first + i) * a.C, pixel[i]);
    GABOR_UNROLL
    for (int o = 0; o < Config::kOutputs; ++o) {
      if (o >= outputs) continue;
      GABOR_UNROLL
      for (int s = 0; s < Config::kSums; ++s) GABOR_UNROLL
      for (int c = 0; c < kChannels; ++c) sum[s][c] += dys[o][c] * pixel[o * Config::kStride + s][c];
    }
  } else {
    GABOR_UNROLL
    for (int o = 0; o < Config::kOutputs; ++o) {
      if (o >= outputs) continue;
      GABOR_UNROLL
      for (int s = 0; s < Config::kSums; ++s) {
        const int32_t column = first + o * axis.step + (first_s + s) * axis.tap_step;
        if (first_s + s >= axis.taps || uint32_t(column) >= uint32_t(axis.extent)) continue;
        float pixel[kChannels];
        load_floats<kChannels>(row + int64_t(column) * a.C, pixel);
        GABOR_UNROLL
        for (int c = 0; c < kChannels; ++c) sum[s][c] += dys[o][c] * pixel[c];
      }
    }
  }
}

// Grid: blocks (rows and taps of the same filters are neighbours, which share what they read), slices.
template <class Config, class Element>
__global__ __launch_bounds__(Config::kBlockThreads,
                             Config::kBlocksAtOnce) void depthwise_wgrad(DepthwiseWgradParams a,
                                                                         const Element* x, const Element* dy,
                                                                         FilterGradients gradients) {
  constexpr int kChannels = Config::kChannels, kSums = Config::kSums, kOutputs = Config::kOutputs;
  constexpr int kWorkerFloats = (kSums + 1) * Config::kBlockChannels;
  SHARED_ALIGNED(16, float, parts, [Config::kSharedFloats]);
  const auto at = DepthwiseWgradPlace::make<Config>(a);
  const int32_t taps = a.vertical.taps * a.horizontal.taps;
  const bool sums_bias = a.columns > taps && at.r == 0 && at.first_s == 0;

  float sum[kSums][kChannels] = {}, bias[kChannels] = {};
  const int64_t first_run = int64_t(blockIdx.y) * a.slice_runs;
  const int32_t begin = first_run < a.runs.count ? int32_t(first_run) : a.runs.count;
  const int32_t end = a.runs.count - begin < a.slice_runs ? a.runs.count : begin + a.slice_runs;
  const bool works = at.k < a.K && at.r < a.vertical.taps && at.line < a.lines;
  for (int32_t i = begin + at.line; works && i < end; i += a.lines) {
    const Run run(a.runs, i, kOutputs);
    const int32_t h = run.row * a.vertical.step + a.vertical.origin + at.r * a.vertical.tap_step;
    const bool inside = uint32_t(h) < uint32_t(a.vertical.extent);
    if (!inside && !sums_bias) continue;
    const int32_t outputs = a.runs.positions - run.column;
    const Element* dy_row = dy + (int64_t(run.row_of_all) * a.runs.positions + run.column) * a.K + at.k;
    float dys[kOutputs][kChannels] = {};
    GABOR_UNROLL
    for (int o = 0; o < kOutputs; ++o)
      if (o < outputs) load_floats<kChannels>(dy_row + int64_t(o) * a.K, dys[o]);
    if (sums_bias) {
      GABOR_UNROLL
      for (int o = 0; o < kOutputs; ++o) GABOR_UNROLL
      for (int c = 0; c < kChannels; ++c) bias[c] += dys[o][c];
    }
    if (!inside) continue;
    const int64_t pixel = (int64_t(run.n) * a.vertical.extent + h) * a.horizontal.extent;
    add_products<Config>(a, x + pixel * a.C + at.k / a.multiplier,
                         run.column * a.horizontal.step + a.horizontal.origin, at.first_s, outputs, dys, sum);
  }

  float* mine = parts + int32_t(threadIdx.x) / Config::kLanes * kWorkerFloats +
                int32_t(threadIdx.x) % Config::kLanes * kChannels;
  GABOR_UNROLL
  for (int s = 0; s <= kSums; ++s) GABOR_UNROLL
  for (int c = 0; c < kChannels; ++c)
    mine[s * Config::kBlockChannels + c] = s < kSums ? sum[s < kSums ? s : 0][c] : bias[c];
  __syncthreads();

  // Element e of the block's sums: filter fastest, then tap, then row.
  const int32_t elements = a.block_rows * kWorkerFloats;
  const auto place = [&](int32_t e) -> int64_t {
    const int32_t r = at.first_r + e / kWorkerFloats,
                  s = at.first_s + e % kWorkerFloats / Config::kBlockChannels;
    const int32_t k = at.first_k + e % Config::kBlockChannels;
    const bool is_bias = s == at.first_s + kSums;
    if (k >= a.K || r >= a.vertical.taps) return -1;
    if (is_bias ? a.columns == taps || r != 0 || at.first_s != 0 : s >= a.horizontal.taps) return -1;
    return gradients.offset(k, is_bias ? taps : r * a.horizontal.taps + s);
  };
  for (int32_t e = int32_t(threadIdx.x); e < elements; e += Config::kBlockThreads) {
    const int64_t to = place(e);
    if (to < 0) continue;
    float total = 0.0f;
    for (int32_t line = 0; line < a.lines; ++line) total += parts[line * elements + e];
    gradients.of_slice(blockIdx.y, to) = total;
  }
  join_slices<Config::kBlockThreads>(gradients.slices, int32_t(blockIdx.x), int32_t(blockIdx.y), elements,
                                     place, gradients);
}

}  // namespace gabor::kernels::conv2d
