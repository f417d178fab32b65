// Launchers of the rungs on tensor cores, for first_block.cu alone: the problem is one that the rung takes. Arguments:
// first_block.h.
#pragma once
#include "kernels/first_block/tiled.h"

namespace gabor::kernels::first_block {

// What both passes ask for: u8 pixels as whole numbers (whole_pixels.h), filters of 3 or 5 rows of at most 16 taps, no
// dilation, grids and indices within 32 bits.
bool tensor_takes(const FirstBlockProblem& p);

void forward_tensor(const FirstBlockProblem& p, Storage storage, const void* x, const void* w, const float* b,
                    void* y, uint8_t* argmax, int multiprocessors, Stream stream);
void backward_tensor(const FirstBlockProblem& p, Storage storage, const void* x, const uint8_t* argmax,
                     const void* dy, float* dw, float* db, bool accumulate, int slices,
                     const JoinMemory& memory, Stream stream);

}  // namespace gabor::kernels::first_block
