// Depthwise dgrad of any stride and channel multiplier m = K/C (of stride 1 and m = 1 it is a sweep: depthwise.cuh).
//   dx[n,h,v,c] (+)= sum over r,s and the m filters k of c of dy[n,p,q,k] w[k,r,s],
//   of those taps for which p stride_h = h + top - r dil_h has a p, and q alike
// Its one idea beyond depthwise.cuh's: it gathers, and a row h decides once for all threads of a row which r have a p; of
// the pairs of a column and a tap s the wrong ones are skipped after a multiplication and a compare (fast_divide.cuh). One
// launch reads dy once, where a launch for each class of rows and columns, as implicit_dgrad has, would read it as many
// times: and bytes are what a depthwise layer has too many of.
// Shapes, dense: dy N,P,Q,K; w K,R,S,1; dx N,H,W,C; of type Element; sums are float, in the order r, s, k. kChannels =
// kQuad: m = 1, C a multiple of kQuad, tensors aligned to a quad; 1: any.
// Blocks, shared memory as depthwise.cuh; a thread owns kOutputs neighbouring pixels of a row of dx. 50-56 registers.
// FLOPs 2 N P Q K R S; bytes: dy, w and dx once. 3x3 at stride 2 in float: 18 FLOP for 20 bytes (4 pixels of dx to one of
// dy), 0.9 a byte: DRAM-bound on an H200 and on a GTX 1660 Ti; some 60 instructions of a warp for 640 bytes take half the
// time of the memory on the first.
#pragma once
#include "kernels/conv2d/depthwise.cuh"

namespace gabor::kernels::conv2d {

// Which position of the window reads an element of x through a tap, along one axis.
struct GatherAxis {
  int32_t before, taps, dilation, positions;
  FastDivide stride;

  GatherAxis(int64_t pad, int64_t taps_of_window, int64_t dil, int64_t stride_of_window, int64_t all)
      : before(int32_t(pad)),
        taps(int32_t(taps_of_window)),
        dilation(int32_t(dil)),
        positions(int32_t(all)),
        stride(int32_t(stride_of_window)) {}

  // -1 if none.
  __device__ int32_t position(int32_t element, int32_t tap) const {
    int32_t rest = element + before - tap * dilation;
    if (rest < 0) return -1;
    const int32_t p = stride.split(rest);
    return rest == 0 && p < positions ? p : -1;
  }
};

struct DepthwiseDgradParams {
  GatherAxis vertical, horizontal;
  Runs runs;
  int32_t C, K, channel_blocks, multiplier;
  int32_t rows_at_once;  // of filters in shared memory

  explicit DepthwiseDgradParams(const Conv2dProblem& p)
      : vertical(p.pad.top, p.R, p.dil_h, p.stride_h, p.P()),
        horizontal(p.pad.left, p.S, p.dil_w, p.stride_w, p.Q()),
        runs(p.N, p.H, p.W, DepthwiseConfig<1, 0, 0>::kOutputs),
        C(int32_t(p.C)),
        K(int32_t(p.K)),
        channel_blocks(simt::ceil_div(C, DepthwiseConfig<1, 0, 0>::kBlockChannels)),
        multiplier(K / C),
        rows_at_once(DepthwiseConfig<1, 0, 0>::kStagedTaps / (horizontal.taps * multiplier)) {}
};

// taps[t * m + j][channel] = tap first_tap + t of filter j of the channel.
template <class Config, class Element>
__device__ inline void stage_taps(const DepthwiseDgradParams& a, const Element* w, int32_t first_channel,
                                  int32_t first_tap, int32_t count, float* taps) {
  const int32_t all = a.vertical.taps * a.horizontal.taps, filters = Config::kBlockChannels * a.multiplier;
  for (int32_t i = int32_t(threadIdx.x); i < count * filters; i += Config::kBlockThreads) {
    const int32_t filter = i / count, t = i - filter * count;
    const int32_t channel = filter / a.multiplier, j = filter - channel * a.multiplier;
    if (first_channel + channel >= a.C) break;
    const int64_t k = int64_t(first_channel) * a.multiplier + filter;
    taps[(t * a.multiplier + j) * Config::kPitch + channel] = simt::to_float(w[k * all + first_tap + t]);
  }
}

// sum[o] += what row `row` of dy (at the thread's first filter) gives pixel first + o; taps: of this row of the window.
template <class Config, class Element>
__device__ __forceinline__ void gather_row(const DepthwiseDgradParams& a, const Element* row, int32_t first,
                                           const float* taps,
                                           float (&sum)[Config::kOutputs][Config::kChannels]) {
  constexpr int kChannels = Config::kChannels;
  const int32_t filters = kChannels == 1 ? a.multiplier : 1;
  for (int32_t s = 0; s < a.horizontal.taps; ++s) {
    int32_t q[Config::kOutputs];
    GABOR_UNROLL
    for (int o = 0; o < Config::kOutputs; ++o) q[o] = a.horizontal.position(first + o, s);
    for (int32_t j = 0; j < filters; ++j) {
      float tap[kChannels];
      load_floats<kChannels>(taps + (s * filters + j) * Config::kPitch, tap);
      GABOR_UNROLL
      for (int o = 0; o < Config::kOutputs; ++o) {
        if (q[o] < 0) continue;
        float gradient[kChannels];
        load_floats<kChannels>(row + int64_t(q[o]) * a.K + j, gradient);
        GABOR_UNROLL
        for (int c = 0; c < kChannels; ++c) sum[o][c] += gradient[c] * tap[c];
      }
    }
  }
}

// grid: channel blocks (the fast index) * blocks of kWorkers runs.
template <class Config, class Element, class Epilogue>
__global__ __launch_bounds__(Config::kBlockThreads,
                             Config::kBlocksAtOnce) void depthwise_dgrad(DepthwiseDgradParams a,
                                                                         const Element* dy, const Element* w,
                                                                         Epilogue epilogue, Element* dx) {
  SHARED_ALIGNED(16, float, taps, [Config::kStagedTaps * Config::kPitch]);
  const int32_t lane_channel = int32_t(threadIdx.x) % Config::kLanes * Config::kChannels;
  const int32_t first_channel = int32_t(blockIdx.x) % a.channel_blocks * Config::kBlockChannels;
  const int32_t channel = first_channel + lane_channel;
  const int32_t index =
      int32_t(blockIdx.x) / a.channel_blocks * Config::kWorkers + int32_t(threadIdx.x) / Config::kLanes;
  const bool works = index < a.runs.count && channel < a.C;
  const Run run(a.runs, works ? index : 0, Config::kOutputs);
  const Element* images = dy + int64_t(channel) * a.multiplier;

  float sum[Config::kOutputs][Config::kChannels] = {};
  for (int32_t first_r = 0; first_r < a.vertical.taps; first_r += a.rows_at_once) {
    const int32_t rest = a.vertical.taps - first_r, rows = rest < a.rows_at_once ? rest : a.rows_at_once;
    __syncthreads();  // the rows before have been used
    stage_taps<Config>(a, w, first_channel, first_r * a.horizontal.taps, rows * a.horizontal.taps, taps);
    __syncthreads();
    if (!works) continue;
    for (int32_t r = 0; r < rows; ++r) {
      const int32_t p = a.vertical.position(run.row, first_r + r);
      if (p < 0) continue;
      const int64_t pixel = (int64_t(run.n) * a.vertical.positions + p) * a.horizontal.positions;
      gather_row<Config>(a, images + pixel * a.K, run.column,
                         taps + r * a.horizontal.taps * a.multiplier * Config::kPitch + lane_channel, sum);
    }
  }
  if (!works) return;
  const int64_t first_result = int64_t(run.row_of_all) * a.runs.positions + run.column;
  store_run<Config>(sum, epilogue, channel, a.C, a.runs.positions - run.column,
                    dx + first_result * a.C + channel);
}

}  // namespace gabor::kernels::conv2d
