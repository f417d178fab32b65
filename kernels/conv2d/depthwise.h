// Launchers of the depthwise convolution: groups = C, each channel with K/C filters of its own. Plain C++.
//
// Pointers are device memory: x, dx N,H,W,C; w, dw K,R,S,1; y, dy N,P,Q,K; b, db K; dense, disjoint, aligned to 16 bytes.
// `storage` is the type of x, w, y, dy and dx; b, dw and db are float. The work is enqueued on `stream`; same
// bits every time. Throw simt::Error if a launch fails. The problem has been checked (Conv2dProblem::check) and
// depthwise_refuses is null for it.
#pragma once
#include <cstddef>

#include "core/problem/conv2d.h"
#include "kernels/common/slices.h"
#include "kernels/common/storage.h"

namespace gabor::kernels::conv2d {

// Null if the kernels take the problem, else why not: not depthwise, a row of filters too wide for shared memory, or
// more rows or channels than 32 bits count. Tensors may be larger than 2^31 elements.
const char* depthwise_refuses(const Conv2dProblem& p);

// y = act(conv(x, w) + b); b may be null.
void depthwise_fprop(const Conv2dProblem& p, Storage storage, const void* x, const void* w, const float* b,
                     void* y, Stream stream);

// dx = gradient, or dx += gradient.
void depthwise_dgrad(const Conv2dProblem& p, Storage storage, const void* dy, const void* w, void* dx,
                     bool accumulate, Stream stream);

// Into how many slices (1 to 1024) wgrad's sum over N,P is best cut on a GPU of so many multiprocessors. The bits of the
// result depend on it.
int depthwise_wgrad_slices(const Conv2dProblem& p, int multiprocessors);
size_t depthwise_wgrad_workspace(const Conv2dProblem& p, int slices);  // bytes of JoinMemory::sums
// dw (+)=, db (+)=; db may be null. One launch. 1 <= slices <= 65535.
void depthwise_wgrad(const Conv2dProblem& p, Storage storage, const void* x, const void* dy, float* dw,
                     float* db, bool accumulate, int slices, const JoinMemory& memory, Stream stream);

}  // namespace gabor::kernels::conv2d
