// Launchers of the tiled rungs, for first_block.cu alone: the problem is one that the rung takes. Arguments:
// first_block.h.
#pragma once
#include "kernels/first_block/first_block.h"

namespace gabor::kernels::first_block {

// More shared memory than this a kernel has to ask for, and older cards do not have it.
inline constexpr int64_t kSharedBytes = 48 * 1024;
// Indices stay below this in the 32 bits that the tiled rungs count with, with room for tiles that reach over an edge.
inline constexpr int64_t kMost32 = int64_t{1} << 30;

void forward_tiled(const FirstBlockProblem& p, Storage storage, const void* x, const void* w, const float* b,
                   void* y, uint8_t* argmax, Stream stream);
void backward_tiled(const FirstBlockProblem& p, Storage storage, const void* x, const uint8_t* argmax,
                    const void* dy, float* dw, float* db, bool accumulate, int slices,
                    const JoinMemory& memory, Stream stream);

}  // namespace gabor::kernels::first_block
