// Launchers of the fused first block (core/problem/first_block.h): image -> normalise -> convolution -> bias -> ReLU ->
// 2x2 max pooling as one kernel, its filter and bias gradients as another; the full-size map never exists. Plain C++.
//
//   x       N,H,W,C   uint8_t, seen as value * scale[c] + shift[c], or float as it is (p.input); 0 in the padding
//   w       K,R,S,C   of type `storage`; dw float
//   b, db   K         float; may be null
//   y, dy   N,P,Q,K   of type `storage`; P and Q of the pool
//   argmax  N,P,Q,(K+1)/2 bytes: filter 2i in the low half of byte i, 2i+1 in the high half; bits 0 and 1 are the
//           winner's 2 row + column, bit 2 is set if y is above 0 or NaN. Else the half is 0, and nothing flows back.
// The first of equals wins, in row order, and a NaN over all numbers. Device pointers, dense, disjoint, aligned to 16
// bytes (argmax: any). Sums are float. The work is enqueued on `stream`; the same bits every time for the same
// rung and slices. Throw simt::Error if the problem is refused, by the rung too, or a launch fails. The problem has
// been checked (Conv2dProblem::check, Pool2dProblem::check).
#pragma once
#include <cstddef>

#include "core/problem/first_block.h"
#include "kernels/common/slices.h"
#include "kernels/common/storage.h"

namespace gabor::kernels {

// naive: one thread a result, 64-bit indices: every problem that is not refused.
// tiled: image tiles in shared memory, sums in registers (forward_tiled.cuh, backward_tiled.cuh).
// tensor: on tensor cores, sm_80, in the precision of float (forward_tensor.cuh, backward_tensor.cuh). On request.
// automatic: tiled where it can be, else naive.
enum class FirstBlockRung { automatic, naive, tiled, tensor };

// Why the kernels do not take a problem; null if they do. It takes relu, one group, at most 4 channels of u8 or f32,
// and max pooling of 2x2 with stride 2 and no padding, rounded down or up.
const char* first_block_refuses(const FirstBlockProblem& p);
// Whether the tiled rung takes a problem that is not refused: its tiles have to fit in 48 KiB of shared memory and its
// indices in 32 bits; the forward's convolution has stride 1, no dilation, and S is at most 13.
bool first_block_tiled_forward_takes(const FirstBlockProblem& p);
bool first_block_tiled_backward_takes(const FirstBlockProblem& p);
// Likewise of the tensor rung: u8 images that are seen as [0,1], [-1,1] or as they are (the latter and [0,1] with any
// padding, [-1,1] without), filters of 3 or 5 rows of at most 16 taps, stride 1, no dilation.
bool first_block_tensor_forward_takes(const FirstBlockProblem& p);
bool first_block_tensor_backward_takes(const FirstBlockProblem& p);

size_t first_block_argmax_bytes(const FirstBlockProblem& p);  // a sample

// argmax may be null when no backward follows. multiprocessors: of the GPU; the tensor rung shares its work out among
// them, and results do not depend on it.
void first_block_forward(const FirstBlockProblem& p, Storage storage, const void* x, const void* w,
                         const float* b, void* y, uint8_t* argmax, Stream stream,
                         FirstBlockRung rung = FirstBlockRung::automatic, int multiprocessors = 64);

// Into how many slices (1 to 1024) the tiled (tensor) backward's sum over N,P,Q is best cut on a GPU of so many
// multiprocessors. The bits of its result depend on it.
int first_block_slices(const FirstBlockProblem& p, int multiprocessors);
int first_block_tensor_slices(const FirstBlockProblem& p, int multiprocessors);
// Of JoinMemory::sums.
size_t first_block_workspace_bytes(const FirstBlockProblem& p, int slices);

// dw, db = the gradients, or += them if accumulate. One launch; the naive rung does not touch the memory. 1 <= slices.
// The other rungs multiply the zeros of the padding too: an Inf or NaN in a dy that is not dead gives NaN in the taps that
// read them (forward alike: in w).
void first_block_backward(const FirstBlockProblem& p, Storage storage, const void* x, const uint8_t* argmax,
                          const void* dy, float* dw, float* db, bool accumulate, int slices,
                          const JoinMemory& memory, Stream stream,
                          FirstBlockRung rung = FirstBlockRung::automatic);

}  // namespace gabor::kernels
