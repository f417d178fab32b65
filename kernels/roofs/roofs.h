// Launchers of work that needs one resource of a GPU and nothing else: timed, they give the roofs that kernels are held
// against. Plain C++: no CUDA header is needed to call them. Pointers are device memory; work is enqueued on `stream`.
// simt::Error when a launch fails.
#pragma once
#include <cstdint>

#include "kernels/common/storage.h"

namespace gabor::kernels {

// The arithmetic of the multiply-adds: fused ones of float, or matrix instructions (sm_80 and newer: before that they
// trap) of TF32, half or bfloat16 operands with float sums.
enum class RoofMath : uint8_t { ffma, tf32, f16, bf16 };

// Blocks and threads of a grid that fills the card.
inline constexpr int kRoofThreads = 256;
constexpr int roof_blocks(int multiprocessors) { return 8 * multiprocessors; }

// y = x, `bytes` bytes of both, by that many blocks. 128-bit accesses; x and y are aligned to 16 bytes.
void copy_bytes(int blocks, const void* x, void* y, int64_t bytes, Stream stream);

// `rounds` multiply-adds, at most 2^30, in each of a thread's independent chains, all in registers. sums: a float for each
// of blocks * kRoofThreads threads, what its chains add up to. Returns the FLOPs: 2 a multiply-add.
double multiply_adds(RoofMath math, int blocks, int64_t rounds, float* sums, Stream stream);

}  // namespace gabor::kernels
