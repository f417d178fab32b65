// One optimizer step of all parameters of a model in one launch.
//
//   sgd       g += wd w;  w -= lr g
//   momentum  g += wd w;  m = mu m + g;  w -= lr m
//   nesterov  g += wd w;  m = mu m + g;  w -= lr (g + mu m)
//   adam      g += wd w;  m = b1 m + (1-b1) g;  v = b2 v + (1-b2) g^2;  w -= step m / (sqrt(v) + eps)
//   adamw     w -= lr wd w first, then adam without wd
//   with g first multiplied by 1 / loss scale; nothing is written where g is not all numbers (OptimizerTensors::norm);
//   with step = lr sqrt(1-b2^t) / (1-b1^t) and eps = epsilon sqrt(1-b2^t), computed by the host in double: they and lr
//   are read from device memory, as they change from step to step of a graph that is captured once (UpdateValues)
// w, g, m, v: the flat arenas, f32, any alignment; wd is 0 in segments that do not decay.
// A block owns 1,024 elements of one segment, which it finds by bisection in block_starts (all threads alike: broadcast
// loads); a thread 4 of them, 256 apart, so that accesses coalesce whatever the segment's offset is. Its loads are
// independent: up to 16 in flight. No shared memory; about 40 registers.
// Adam: 12 FLOP, a root and a division for 28 bytes a parameter: DRAM-bound on an H200 and on a GTX 1660 Ti. The
// article's 438,842 parameters: 12.3 MB, 2.6 us at 4.8 TB/s (about a launch) and 43 us at 288 GB/s. One launch a tensor
// would cost 2-3 us for each of the small ones: the one idea of this rung is that there is one.
#pragma once
#include "kernels/optimizer/optimizer.h"
#include "kernels/simt/gpu.h"

namespace gabor::kernels {

struct OptimizerConfig {
  static constexpr int kThreads = 256;
  static constexpr int kElements = 4;  // a thread
  static constexpr int kBlockElements = kThreads * kElements;
  static_assert(kThreads % 32 == 0);
};

// Constants of the run.
struct OptimizerConstants {
  float weight_decay, momentum;
  float beta1, beta2, one_minus_beta1, one_minus_beta2;
};

template <OptimizerRule kRule>
inline constexpr int kMoments = kRule == OptimizerRule::sgd        ? 0
                                : kRule <= OptimizerRule::nesterov ? 1
                                                                   : 2;

// The new w; m and v are updated as far as the rule has them.
template <OptimizerRule kRule>
__device__ inline float updated(const OptimizerConstants& c, const UpdateValues& u, float wd, float w,
                                float g, float& m, float& v) {
  if constexpr (kRule == OptimizerRule::adamw) {
    w -= u.lr * wd * w;
  } else {
    g += wd * w;
  }
  if constexpr (kRule == OptimizerRule::sgd) return w - u.lr * g;
  if constexpr (kMoments<kRule> == 1) {
    m = c.momentum * m + g;
    return w - u.lr * (kRule == OptimizerRule::momentum ? m : g + c.momentum * m);
  }
  m = c.beta1 * m + c.one_minus_beta1 * g;
  v = c.beta2 * v + c.one_minus_beta2 * g * g;
  return w - u.adam_rate * m / (sqrtf(v) + u.adam_epsilon);
}

// The segment of this block: the last one whose first block is not after it. Empty segments have no block.
__device__ inline int segment_of(int block, const int32_t* block_starts, int segment_count) {
  int low = 0, high = segment_count;  // block_starts[low] <= block < block_starts[high]
  while (high - low > 1) {
    const int middle = low + (high - low) / 2;
    if (block_starts[middle] <= block) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low;
}

template <class Config, OptimizerRule kRule>
__global__ void __launch_bounds__(Config::kThreads)
    optimizer_step(OptimizerConstants c, const UpdateValues* values, const OptimizerSegment* segments,
                   const int32_t* block_starts, int segment_count, OptimizerTensors t) {
  if (t.norm && t.norm->nonfinite > 0) return;
  const UpdateValues u = *values;
  const int s = segment_of(int(blockIdx.x), block_starts, segment_count);
  const OptimizerSegment segment = segments[s];
  const float wd = segment.decay ? c.weight_decay : 0.0f;
  const int64_t block = int64_t(blockIdx.x) - block_starts[s];
  const int64_t end = segment.offset + segment.count;
  const int64_t first = segment.offset + block * Config::kBlockElements + threadIdx.x;
  float w[Config::kElements] = {}, g[Config::kElements] = {}, m[Config::kElements] = {},
        v[Config::kElements] = {};
#pragma unroll
  for (int i = 0; i < Config::kElements; ++i) {
    const int64_t at = first + i * Config::kThreads;
    if (at >= end) continue;
    w[i] = t.w[at], g[i] = t.g[at];
    if constexpr (kMoments<kRule> >= 1) m[i] = t.m[at];
    if constexpr (kMoments<kRule> >= 2) v[i] = t.v[at];
  }
#pragma unroll
  for (int i = 0; i < Config::kElements; ++i) {
    const int64_t at = first + i * Config::kThreads;
    if (at >= end) continue;
    t.w[at] = updated<kRule>(c, u, wd, w[i], u.unscale * g[i], m[i], v[i]);
    if constexpr (kMoments<kRule> >= 1) t.m[at] = m[i];
    if constexpr (kMoments<kRule> >= 2) t.v[at] = v[i];
  }
}

}  // namespace gabor::kernels
