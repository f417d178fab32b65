// Launchers of direct.cuh: every Conv2dProblem whose results number fewer than 2^39. Plain C++.
//
// Pointers are device memory: x, dx N,H,W,C; w, dw K,R,S,C/groups; y, dy N,P,Q,K; b, db K; dense, disjoint. `storage` is
// the type of x, w, y, dy and dx; b, dw and db are float. The work is enqueued on `stream`; same bits every time.
// Throw simt::Error if the launch fails. The problem has been checked (Conv2dProblem::check).
#pragma once
#include "core/problem/conv2d.h"
#include "kernels/common/storage.h"

namespace gabor::kernels::conv2d {

// y = act(conv(x, w) + b); b may be null.
void direct_fprop(const Conv2dProblem& p, Storage storage, const void* x, const void* w, const float* b,
                  void* y, Stream stream);
// dx = gradient, or dx += gradient.
void direct_dgrad(const Conv2dProblem& p, Storage storage, const void* dy, const void* w, void* dx,
                  bool accumulate, Stream stream);
// dw (+)=, db (+)=; db may be null.
void direct_wgrad(const Conv2dProblem& p, Storage storage, const void* x, const void* dy, float* dw,
                  float* db, bool accumulate, Stream stream);

}  // namespace gabor::kernels::conv2d
