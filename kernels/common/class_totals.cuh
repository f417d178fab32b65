// What losses of classes share. A row is answered by its largest y, the first of equals; a NaN makes it wrong. Loss and
// counts of a batch are summed in two stages: blocks of rows (stage 1 is the end of each loss's kernel), then the
// blocks (the kernel here). The order of the additions is fixed by the launch geometry: no atomics.
#pragma once
#include "kernels/simt/gpu.h"

namespace gabor::kernels {

// Whether v, the y of class k, keeps the label's from being the answer: a larger one, an equal one before it, or NaN.
__device__ inline bool beats(float v, int k, float label_y, int label) {
  return k != label && (k < label ? !(v < label_y) : !(v <= label_y));
}

struct Totals {
  float loss = 0.0f;
  int rows = 0;   // that count
  int right = 0;  // of these

  __device__ void add(const Totals& t) {
    loss += t.loss;
    rows += t.rows;
    right += t.right;
  }
};

struct TotalsParams {
  int blocks;
  float* block_loss;  // blocks
  int* block_counts;  // blocks,2
  float* loss;        // 1
  int32_t* counts;    // 2
};

// Where stage 1 writes, and stage 2 reads; a single block's sum is the batch's, and needs no stage 2.
inline TotalsParams totals_params(int64_t blocks, void* workspace, float* loss, int32_t* counts) {
  if (blocks == 1) return {1, loss, counts, loss, counts};
  float* block_loss = static_cast<float*>(workspace);
  return {int(blocks), block_loss, reinterpret_cast<int*>(block_loss + blocks), loss, counts};
}

// The sum over the threads of a block, in thread 0: lanes by a tree of shuffles, then the warps from first to last.
// Called once a kernel, by all threads.
template <int kThreads>
__device__ inline Totals block_totals(Totals t) {
  constexpr int kWarps = kThreads / 32;
  static_assert(kThreads % 32 == 0);
  SHARED(float, loss, [kWarps]);
  SHARED(int, rows, [kWarps]);
  SHARED(int, right, [kWarps]);
  for (int flip = 16; flip > 0; flip /= 2) {
    t.loss += __shfl_xor_sync(simt::kFullMask, t.loss, flip);
    t.rows += __shfl_xor_sync(simt::kFullMask, t.rows, flip);
    t.right += __shfl_xor_sync(simt::kFullMask, t.right, flip);
  }
  const int warp = int(threadIdx.x) / 32;
  if (threadIdx.x % 32 == 0) loss[warp] = t.loss, rows[warp] = t.rows, right[warp] = t.right;
  __syncthreads();
  if (threadIdx.x == 0)
    for (int w = 1; w < kWarps; ++w) {
      const Totals other{loss[w], rows[w], right[w]};
      t.add(other);
    }
  return t;
}

// Stage 1: the block's rows, to its place.
template <int kThreads>
__device__ inline void write_block_totals(const TotalsParams& out, const Totals& of_thread) {
  const Totals t = block_totals<kThreads>(of_thread);
  if (threadIdx.x != 0) return;
  out.block_loss[blockIdx.x] = t.loss;
  out.block_counts[2 * blockIdx.x] = t.rows;
  out.block_counts[2 * blockIdx.x + 1] = t.right;
}

struct TotalsConfig {
  static constexpr int kThreads = 256;
};

// Stage 2, one block: thread i adds up blocks i, i + kThreads, ...
template <class Config>
__global__ void __launch_bounds__(Config::kThreads) sum_block_totals(TotalsParams in) {
  Totals t;
  for (int b = int(threadIdx.x); b < in.blocks; b += Config::kThreads) {
    const Totals block{in.block_loss[b], in.block_counts[2 * b], in.block_counts[2 * b + 1]};
    t.add(block);
  }
  t = block_totals<Config::kThreads>(t);
  if (threadIdx.x != 0) return;
  *in.loss = t.loss;
  in.counts[0] = t.rows;
  in.counts[1] = t.right;
}

}  // namespace gabor::kernels
