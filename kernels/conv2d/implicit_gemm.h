// Launchers of the implicit GEMMs: the faster rung of conv2d, for the sizes that implicit_gemm_fits. Plain C++.
//
// Pointers are device memory: x, dx N,H,W,C; w, dw K,R,S,C/groups; y, dy N,P,Q,K; b, db K; dense, disjoint, aligned to 16
// bytes. `storage` is the type of x, w, y, dy and dx; b, dw and db are float. The work is enqueued on `stream`;
// same bits every time. Throw simt::Error if a launch fails. The problem has been checked (Conv2dProblem::check).
#pragma once
#include <cstddef>

#include "core/problem/conv2d.h"
#include "kernels/common/slices.h"
#include "kernels/common/storage.h"

namespace gabor::kernels::conv2d {

// Whether indices of pixels, positions and filter elements fit in the 32 bits that the kernels count with. Tensors may
// be larger than 2^31 elements.
bool implicit_gemm_fits(const Conv2dProblem& p);

// y = act(conv(x, w) + b); b may be null.
void implicit_fprop(const Conv2dProblem& p, Storage storage, const void* x, const void* w, const float* b,
                    void* y, Stream stream);

// dx = gradient, or dx += gradient. stride_h * stride_w launches.
void implicit_dgrad(const Conv2dProblem& p, Storage storage, const void* dy, const void* w, void* dx,
                    bool accumulate, Stream stream);

// Into how many slices (1 to 1024) wgrad's sum over N,P,Q is best cut on a GPU of so many multiprocessors. The bits of the
// result depend on it.
int implicit_wgrad_slices(const Conv2dProblem& p, int multiprocessors);
size_t implicit_wgrad_workspace(const Conv2dProblem& p, int slices);  // bytes of JoinMemory::sums
// dw (+)=, db (+)=; db may be null. One launch. 1 <= slices <= 65535.
void implicit_wgrad(const Conv2dProblem& p, Storage storage, const void* x, const void* dy, float* dw,
                    float* db, bool accumulate, int slices, const JoinMemory& memory, Stream stream);

}  // namespace gabor::kernels::conv2d
