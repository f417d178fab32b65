// Depthwise convolution, fprop, and dgrad where it is the same sweep: each channel is an image of its own.
//   fprop  y[n,p,q,k]  = act(b[k] + sum over r,s of x[n,h,v,k/m] w[k,r,s]),  h = p stride_h - top + r dil_h, v alike,
//          m = K/C
//   dgrad  dx[n,h,v,c] (+)= sum over r,s of dy[n,p,q,c] w[c,R-1-r,S-1-s],  p = h + top - (R-1-r) dil_h;  stride 1, m = 1
// Its one idea: neighbouring threads own neighbouring channels, which lie next to each other in memory, and a thread owns
// kOutputs positions of a row, so that a pixel it has loaded serves all of its outputs that read it; with the filters in
// shared memory, little but the tensors themselves moves. As a matrix product, with K/groups = 1 column, the implicit GEMM
// would waste 15 of 16 columns of its narrowest tile.
// Shapes, dense: x N,H,W,C; w K,R,S,1; b K (float) or null; y N,P,Q,K; of type Element; sums are float, r then s in order.
// kChannels = kQuad: m = 1, C a multiple of kQuad, tensors aligned to a quad; 1: any C and m, any alignment.
// kTaps, kStride: S and stride_w when they are among those compiled and dil_w = 1: then a row of the window is loaded to
// registers once, (kOutputs - 1) kStride + kTaps pixels for kOutputs kTaps products. kTaps = 0: any, a load a product.
// A block owns 32 channels of kWorkers runs of kOutputs positions. Shared memory: 9 KiB of filters, whole rows of them at a
// time, so S m <= kStagedTaps. 40-96 registers (122 for 5x5 at stride 2 on sm_100).
// FLOPs 2 N P Q K R S; bytes: x, w and y once, rows of x between blocks by L2. 3x3 at stride 1 in float: 18 FLOP for 8
// bytes, 2.3 a byte: DRAM-bound on an H200 (turns at 14) and on a GTX 1660 Ti (19). A warp's 16 positions of 32 channels are
// 4 KiB of traffic: 197 cycles of an H200 multiprocessor's share of 4.8 TB/s, while some 250 instructions take 62 of its
// issue slots and 18 loads of 512 bytes 72 of its L1 cache.
// Zeros beside a row of x are multiplied like pixels where kTaps > 0: an Inf or NaN in w gives NaN there.
#pragma once
#include "kernels/common/quad.cuh"
#include "kernels/conv2d/sweep.cuh"

namespace gabor::kernels::conv2d {

template <int kChannelsOfThread, int kTapsOfRow, int kStrideOfRow>
struct DepthwiseConfig {
  static constexpr int kChannels = kChannelsOfThread, kTaps = kTapsOfRow, kStride = kStrideOfRow;
  static constexpr int kOutputs = 4;
  static constexpr int kBlockThreads = 128, kBlockChannels = 32;
  // Of 96 or 128 registers a thread: left alone, ptxas spills to get to 48.
  static constexpr int kBlocksAtOnce = kTaps * kStride < 10 ? 5 : 4;
  static constexpr int kLanes = kBlockChannels / kChannels, kWorkers = kBlockThreads / kLanes;
  static constexpr int kColumns =
      (kOutputs - 1) * kStride + kTaps;  // pixels of a row that a thread's outputs read
  // A quad more than the channels: stores of neighbouring taps then meet 8 banks instead of one.
  static constexpr int kStagedTaps = 64, kPitch = kBlockChannels + kQuad;

  static_assert(kChannels == 1 || kChannels == kQuad);
  static_assert((kTaps == 0) == (kStride == 0), "both are known or neither");
  static_assert(kBlockThreads % 32 == 0 && kBlockThreads % kLanes == 0);
  static_assert(kPitch % kQuad == 0, "threads read quads of taps");
  static_assert(kTaps <= kStagedTaps);
};

// Runs of kOutputs positions of a row, in rows of N,positions: how the work is dealt to threads.
struct Runs {
  int32_t count, positions;
  FastDivide of_row, rows_of_image;

  Runs(int64_t N, int64_t rows, int64_t columns, int32_t outputs)
      : count(int32_t(N * rows * simt::ceil_div<int64_t>(columns, outputs))),
        positions(int32_t(columns)),
        of_row(int32_t(simt::ceil_div<int64_t>(columns, outputs))),
        rows_of_image(int32_t(rows)) {}
};

// The place of one run.
struct Run {
  int32_t n, row, column;  // column: the first
  int32_t row_of_all;      // n * rows + row

  __device__ Run(const Runs& runs, int32_t run, int outputs) {
    row_of_all = runs.of_row.split(run);
    column = run * outputs;
    row = row_of_all;
    n = runs.rows_of_image.split(row);
  }
};

struct DepthwiseParams {
  SweepAxis vertical, horizontal;
  Runs runs;
  int32_t channels, channel_blocks;  // of the results
  int32_t multiplier;                // results' channels to one of the image
  int32_t rows_at_once;              // of filters in shared memory
  int64_t pitch;                     // channels of the image
  bool reversed;                     // taps in w run from the last to the first

  DepthwiseParams(SweepAxis v, SweepAxis h, int64_t N, int64_t image_channels, int64_t result_channels,
                  bool reversed_taps)
      : vertical(v),
        horizontal(h),
        runs(N, v.positions, h.positions, DepthwiseConfig<1, 0, 0>::kOutputs),
        channels(int32_t(result_channels)),
        channel_blocks(simt::ceil_div(channels, DepthwiseConfig<1, 0, 0>::kBlockChannels)),
        multiplier(int32_t(result_channels / image_channels)),
        rows_at_once(DepthwiseConfig<1, 0, 0>::kStagedTaps / h.taps),
        pitch(image_channels),
        reversed(reversed_taps) {}
};

// taps[t][channel] = taps first_tap .. first_tap + count - 1 of the filters of the block's channels. All threads call it,
// between barriers.
template <class Config, class Element>
__device__ inline void stage_taps(const DepthwiseParams& a, const Element* w, int32_t first_channel,
                                  int32_t first_tap, int32_t count, float* taps) {
  const int32_t all = a.vertical.taps * a.horizontal.taps;
  for (int32_t i = int32_t(threadIdx.x); i < count * Config::kBlockChannels; i += Config::kBlockThreads) {
    const int32_t channel = i / count, t = i - channel * count;
    if (first_channel + channel >= a.channels) break;
    const int32_t tap = a.reversed ? all - 1 - first_tap - t : first_tap + t;
    taps[t * Config::kPitch + channel] = simt::to_float(w[int64_t(first_channel + channel) * all + tap]);
  }
}

// sum[o] += what row `row` of the image (at the thread's channel) gives output o; taps: of this row of the window.
template <class Config, class Element>
__device__ __forceinline__ void add_row(const SweepAxis& axis, int64_t pitch, const Element* row,
                                        int32_t first, const float* taps,
                                        float (&sum)[Config::kOutputs][Config::kChannels]) {
  constexpr int kChannels = Config::kChannels;
  if constexpr (Config::kTaps > 0) {
    float pixel[Config::kColumns][kChannels] = {};
    GABOR_UNROLL
    for (int i = 0; i < Config::kColumns; ++i)
      if (uint32_t(first + i) < uint32_t(axis.extent))
        load_floats<kChannels>(row + (first + i) * pitch, pixel[i]);
    GABOR_UNROLL
    for (int s = 0; s < Config::kTaps; ++s) {
      float tap[kChannels];
      load_floats<kChannels>(taps + s * Config::kPitch, tap);
      GABOR_UNROLL
      for (int o = 0; o < Config::kOutputs; ++o) GABOR_UNROLL
      for (int c = 0; c < kChannels; ++c) sum[o][c] += pixel[o * Config::kStride + s][c] * tap[c];
    }
  } else {
    for (int s = 0; s < axis.taps; ++s) {
      float tap[kChannels];
      load_floats<kChannels>(taps + s * Config::kPitch, tap);
      GABOR_UNROLL
      for (int o = 0; o < Config::kOutputs; ++o) {
        const int32_t column = first + o * axis.step + s * axis.tap_step;
        if (uint32_t(column) >= uint32_t(axis.extent)) continue;
        float pixel[kChannels];
        load_floats<kChannels>(row + column * pitch, pixel);
        GABOR_UNROLL
        for (int c = 0; c < kChannels; ++c) sum[o][c] += pixel[c] * tap[c];
      }
    }
  }
}

// Hands the finished sums of a run to the epilogue and stores them at `to` (the run's first position), as many as lie in
// the row. Long epilogues in a loop that stays one: the sums then move up, since registers cannot be indexed.
template <class Config, class Element, class Epilogue>
__device__ __forceinline__ void store_run(float (&sum)[Config::kOutputs][Config::kChannels],
                                          const Epilogue& epilogue, int32_t channel, int32_t channels,
                                          int32_t outputs, Element* to) {
  constexpr int kChannels = Config::kChannels;
  const auto store = [&](int o, float(&v)[kChannels]) {
    if (o >= outputs) return;
    Element* at = to + int64_t(o) * channels;
    float old[kChannels] = {};
    if (epilogue.reads_old()) load_floats<kChannels>(at, old);
    GABOR_UNROLL
    for (int c = 0; c < kChannels; ++c) v[c] = epilogue(v[c], channel + c, old[c]);
    if constexpr (kChannels == kQuad) {
      store_floats(at, v, kQuad, true);
    } else {
      *at = simt::from_float<Element>(v[0]);
    }
  };
  if constexpr (Epilogue::kLong) {
#pragma unroll 1
    for (int o = 0; o < Config::kOutputs; ++o) {
      store(o, sum[0]);
      GABOR_UNROLL
      for (int next = 1; next < Config::kOutputs; ++next) GABOR_UNROLL
      for (int c = 0; c < kChannels; ++c) sum[next - 1][c] = sum[next][c];
    }
  } else {
    GABOR_UNROLL
    for (int o = 0; o < Config::kOutputs; ++o) store(o, sum[o]);
  }
}

// grid: channel blocks (the fast index) * blocks of kWorkers runs.
template <class Config, class Element, class Epilogue>
__global__ __launch_bounds__(Config::kBlockThreads, Config::kBlocksAtOnce) void depthwise_sweep(
    DepthwiseParams a, const Element* image, const Element* w, Epilogue epilogue, Element* out) {
  SHARED_ALIGNED(16, float, taps, [Config::kStagedTaps * Config::kPitch]);
  const int32_t lane_channel = int32_t(threadIdx.x) % Config::kLanes * Config::kChannels;
  const int32_t first_channel = int32_t(blockIdx.x) % a.channel_blocks * Config::kBlockChannels;
  const int32_t channel = first_channel + lane_channel;
  const int32_t index =
      int32_t(blockIdx.x) / a.channel_blocks * Config::kWorkers + int32_t(threadIdx.x) / Config::kLanes;
  const bool works = index < a.runs.count && channel < a.channels;
  const Run run(a.runs, works ? index : 0, Config::kOutputs);
  const int32_t top = run.row * a.vertical.step + a.vertical.origin;
  const int32_t left = run.column * a.horizontal.step + a.horizontal.origin;
  const Element* images = image + channel / a.multiplier;

  float sum[Config::kOutputs][Config::kChannels] = {};
  for (int32_t first_r = 0; first_r < a.vertical.taps; first_r += a.rows_at_once) {
    const int32_t rest = a.vertical.taps - first_r, rows = rest < a.rows_at_once ? rest : a.rows_at_once;
    __syncthreads();  // the rows before have been used
    stage_taps<Config>(a, w, first_channel, first_r * a.horizontal.taps, rows * a.horizontal.taps, taps);
    __syncthreads();
    if (!works) continue;
    for (int32_t r = 0; r < rows; ++r) {
      const int32_t h = top + (first_r + r) * a.vertical.tap_step;
      if (uint32_t(h) >= uint32_t(a.vertical.extent)) continue;
      const int64_t pixel = (int64_t(run.n) * a.vertical.extent + h) * a.horizontal.extent;
      add_row<Config>(a.horizontal, a.pitch, images + pixel * a.pitch, left,
                      taps + r * a.horizontal.taps * Config::kPitch + lane_channel, sum);
    }
  }
  if (!works) return;
  const int64_t first_result = int64_t(run.row_of_all) * a.runs.positions + run.column;
  store_run<Config>(sum, epilogue, channel, a.channels, a.runs.positions - run.column,
                    out + first_result * a.channels + channel);
}

}  // namespace gabor::kernels::conv2d
