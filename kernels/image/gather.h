// Launcher of the way of pictures out of a set in device memory into a batch. Plain C++: no CUDA header is needed to call
// it.
#pragma once
#include <cstdint>

#include "core/problem/gather.h"

namespace gabor::kernels {

// naive:  one thread a byte of y.
// vector: one thread 16 neighbouring bytes of y, one aligned store; y aligned to 16 bytes and smaller than 2^31.
enum class GatherRung { automatic, naive, vector };

// y (N,H,W,C bytes) = the pictures that rows (N) name, of x (pictures,H,W,C bytes), each moved and mirrored as its row says
// (core/problem/gather.h has the formula). 1 <= C <= 4; 1 <= H, W <= 65535. All pointers are device memory, contiguous;
// rows' contents are not checked. Work is enqueued on `stream` (a cudaStream_t). simt::Error when a size is out of range,
// the launch fails or the rung does not take the problem.
void gather(const GatherProblem& p, const uint8_t* x, const PictureRow* rows, uint8_t* y, void* stream,
            GatherRung rung = GatherRung::automatic);

}  // namespace gabor::kernels
