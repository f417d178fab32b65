// What losses of classes share. A row is answered by its largest y, the first of equals; a NaN makes it wrong. Loss and
// counts of a batch are summed at the end of each loss's kernel: blocks of rows, then, by the last block, the blocks. The
// order of the additions is fixed by the launch geometry.
#pragma once
#include "kernels/common/join_slices.cuh"

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
  unsigned* counter;  // 0 before and after
};

// Where the blocks' sums go; a single block's is the batch's.
inline TotalsParams totals_params(int64_t blocks, const JoinMemory& memory, float* loss, int32_t* counts) {
  if (blocks == 1) return {1, loss, counts, loss, counts, nullptr};
  return {int(blocks), memory.sums, reinterpret_cast<int*>(memory.sums + blocks),
          loss,        counts,      memory.counters};
}

// The sum over the threads of a block, in thread 0: lanes by a tree of shuffles, then the warps from first to last.
// All threads call; between two calls there is a barrier.
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

// The end of a loss's kernel: the block's rows, then those of all blocks. All threads call.
template <int kThreads>
__device__ inline void write_totals(const TotalsParams& out, const Totals& of_thread) {
  Totals t = block_totals<kThreads>(of_thread);
  if (threadIdx.x == 0) {
    out.block_loss[blockIdx.x] = t.loss;
    out.block_counts[2 * blockIdx.x] = t.rows;
    out.block_counts[2 * blockIdx.x + 1] = t.right;
  }
  if (out.blocks == 1 || !is_last(out.counter, unsigned(out.blocks))) return;
  t = {};
  for (int b = int(threadIdx.x); b < out.blocks; b += kThreads) {
    const Totals block{out.block_loss[b], out.block_counts[2 * b], out.block_counts[2 * b + 1]};
    t.add(block);
  }
  t = block_totals<kThreads>(t);
  if (threadIdx.x != 0) return;
  *out.loss = t.loss;
  out.counts[0] = t.rows;
  out.counts[1] = t.right;
}

}  // namespace gabor::kernels
