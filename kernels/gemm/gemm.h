// Matrix products for dense layers: D[m,n] = sum over k of A[m,k] B[k,n], row-major and without gaps, in float
// sums. The letters M, N, K mean the product's sizes in this folder only. A dense layer (core/problem/dense.h:
// x is N,C; w is K,C; y is N,K) maps to it so:
//
//   pass     M  N  K     A[m,k]          B[k,n]          D[m,n]                        skinny: few outputs make
//   fprop    N  K  C     x[m,k]          w[n,k]          y = act(sum + bias[n])        N small
//   dgrad    N  C  K     dy[m,k]         w[k,n]          dx (+)= sum                   K small
//   wgrad    K  C  N     dy[k,m]         x[k,n]          dw (+)= sum                   M small
//                                                        db (+)= sum over k of A[m,k]
//
// The ladder: naive (one thread an output) - ffma (register tiles, double-buffered shared memory) - tensor
// (cp.async, ldmatrix, mma.sync) ; and skinny, which reads or writes the one big matrix at the speed of memory
// where at most kSkinny outputs leave the tiles empty. Each sum has an order that depends on the plan alone:
// equal plans give equal bits.
#pragma once
#include <cstddef>
#include <cstdint>

#include "core/problem/dense.h"
#include "kernels/common/slices.h"
#include "kernels/common/storage.h"

namespace gabor::gemm {

enum class Pass : uint8_t { fprop, dgrad, wgrad };
// Of A and B, and of D in fprop and dgrad; D of wgrad and the bias are float. Sums are float always.
using kernels::Storage;
// The number is the edge of the tile of D that a block owns. tensor on f32 rounds A and B to TF32;
// ffma_128 takes f32 only.
enum class Rung : uint8_t { naive, ffma_64, ffma_128, tensor_64, tensor_128, skinny };

inline constexpr int kSkinny = 16;      // the most outputs of a layer that the skinny rung takes
inline constexpr int kMaxSplits = 256;  // of the reduction

using kernels::JoinMemory;

// How a pass is computed. splits > 1: that many blocks share a tile of D, each reducing a part of k into the
// workspace; the last of them adds the parts in order (common/join_slices.cuh). naive, and skinny in dgrad, take 1 only.
struct Plan {
  Rung rung = Rung::naive;
  int splits = 1;
};

struct Gpu {
  int capability = 75;  // 10 major + minor
  int multiprocessors = 1;
};

// The plan for a pass: by capability, by the number of blocks that keep the GPU busy. allow_tf32: f32 may use
// tensor cores.
Plan choose(const DenseProblem& p, Pass pass, Storage storage, bool allow_tf32, const Gpu& gpu);
// Of JoinMemory::sums.
size_t workspace_bytes(const DenseProblem& p, Pass pass, const Plan& plan);

// All enqueue on `stream` (a cudaStream_t) and return. Pointers are device memory aligned to their elements; where
// also rows are whole 16-byte units, loads are vectors. They throw simt::Error: a size beyond int32, a plan that the pass
// does not take (see Plan), one with more tiles than there are counters, an activation other than none and relu, a
// launch that fails. tensor plans need sm_80: on an older card the kernel traps.
void fprop(const Plan& plan, const DenseProblem& p, Storage storage, const void* x, const void* w,
           const float* b /* may be null */, void* y, const JoinMemory& memory, void* stream);
// accumulate: dx += instead of dx =.
void dgrad(const Plan& plan, const DenseProblem& p, Storage storage, const void* dy, const void* w, void* dx,
           bool accumulate, const JoinMemory& memory, void* stream);
// accumulate: of dw and db.
void wgrad(const Plan& plan, const DenseProblem& p, Storage storage, const void* x, const void* dy, float* dw,
           float* db /* may be null */, bool accumulate, const JoinMemory& memory, void* stream);

// dgrad and wgrad of one layer, with the same results: as one launch where the plans are both skinny or both ffma_64. y: null,
// or dy is the gradient after ReLU, whose result was y (N,K), where backward_takes_relu.
struct Backward {
  Plan dgrad{}, wgrad{};
  const void *x = nullptr, *w = nullptr, *dy = nullptr, *y = nullptr;
  void* dx = nullptr;
  float *dw = nullptr, *db = nullptr;  // db may be null
  bool accumulate_dx = false, accumulate_dw = false;
};
bool backward_takes_relu(const DenseProblem& p, const Plan& dgrad, const Plan& wgrad);
size_t backward_workspace_bytes(const DenseProblem& p, const Plan& dgrad, const Plan& wgrad);
void backward(const Backward& pass, const DenseProblem& p, Storage storage, const JoinMemory& memory,
              void* stream);

}  // namespace gabor::gemm
